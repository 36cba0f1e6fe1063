import { isIPv4, isIPv6 } from 'node:net'
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from '../../../lib/address/text'
import { Random } from './random'

describe('parseIPv4', () => {
  test.each([
    ['0.0.0.0', 0],
    ['127.0.0.1', 0x7f000001],
    ['255.255.255.255', 0xffffffff],
    ['1.20.200.0', 0x0114c800],
  ])('parseIPv4 parses %s', (text, expected) => {
    expect(parseIPv4(text)).toBe(expected)
    expect(formatIPv4(Uint8Array.of(9, expected >>> 24, expected >>> 16, expected >>> 8, expected), 1)).toBe(
      text,
    )
  })

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.4.',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.00',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.-4',
    '1.2.3.4\0',
    '0x1.2.3.4',
    '1.2.3.a',
    '１.2.3.4',
    '127.1',
    '1.2.3.1000',
  ])('parseIPv4 refuses %j', text => {
    expect(parseIPv4(text)).toBe(-1)
  })
})

describe('parseIPv6 and formatIPv6', () => {
  test.each([
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['::ffff', '0000000000000000000000000000ffff'],
    ['1::', '00010000000000000000000000000000'],
    ['fe80::1', 'fe800000000000000000000000000001'],
    ['2001:db8::1:0:0:1', '20010db8000000000001000000000001'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:0:3::8', '00010000000300000000000000000008'],
    ['1:2:3:4:5:6::', '00010002000300040005000600000000'],
    ['::3:4:5:6:7:8', '00000000000300040005000600070008'],
    ['1::8', '00010000000000000000000000000008'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['::1.2.3.4', '00000000000000000000000001020304'],
    ['64:ff9b::102:304', '0064ff9b000000000000000001020304'],
    ['::ffff:0:1:2', '0000000000000000ffff000000010002'],
    ['1:0:1:0:1:0:1:0', '00010000000100000001000000010000'],
  ])('parseIPv6 parses %s', (text, bytes) => {
    expect(Buffer.from(parseIPv6(text)!).toString('hex')).toBe(bytes)
    expect(formatIPv6(Buffer.from(`abcd${bytes}`, 'hex'), 2)).toBe(text)
  })

  test.each([
    ['2001:DB8::A', '2001:db8::a'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0001:0:0:0:0:0:0:0', '1::'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['1::1.2.3.4', '1::102:304'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:2::4:5:6:7:8', '1:2:0:4:5:6:7:8'],
    ['::ffff:0102:0304', '::ffff:1.2.3.4'],
  ])('formatIPv6 prints %s as %s', (text, expected) => {
    expect(formatIPv6(parseIPv6(text)!)).toBe(expected)
  })

  test.each([
    '',
    ':',
    ':::',
    '1',
    '1:',
    ':1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:::2',
    '12345::',
    '::g',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3',
    '::1.2.3.4:5',
    '::01.2.3.4',
    '::%1',
    'fe80::1%eth0',
    '[::1]',
    ' ::1',
    '::1 ',
    '::1\0',
    '1.2.3.4',
    '::.1.2.3',
    '00000::',
    '1:2:3:4:5:6:7:8:',
    '1.2.3.4::',
    ':1:2:3:4:5:6:7:8',
  ])('parseIPv6 refuses %j', text => {
    expect(parseIPv6(text)).toBeNull()
  })

  test('parseIPv4 and parseIPv6 agree with node:net about random text', () => {
    const random = new Random(1)
    const octets = ['0', '1', '25', '255', '192', '0', '1', '256', '01', '', '1e1']
    let accepted = 0
    for (let i = 0; i < 5_000; i++) {
      const v6 = random.text('01af:::.', 24)
      expect([v6, parseIPv6(v6) !== null]).toEqual([v6, isIPv6(v6)])
      const v4 = Array.from({ length: 3 + random.below(3) }, () => random.pick(octets)).join('.')
      expect([v4, parseIPv4(v4) >= 0]).toEqual([v4, isIPv4(v4)])
      const tail = `::${v4}`
      expect([tail, parseIPv6(tail) !== null]).toEqual([tail, isIPv6(tail)])
      if (isIPv4(v4)) accepted++
    }
    expect(accepted).toBeGreaterThan(100)
  })

  test('formatIPv6 prints random bytes with many zeros as text that parseIPv6 reads back', () => {
    const random = new Random(2)
    for (let i = 0; i < 5_000; i++) {
      const bytes = random.bytes(16)
      for (let j = 0; j < 16; j++) if (random.below(3) > 0) bytes[j] = 0
      const text = formatIPv6(bytes)
      expect(isIPv6(text)).toBe(true)
      expect([text, parseIPv6(text)]).toEqual([text, bytes])
      expect(text).not.toMatch(/[A-Z]|(^|:)0[0-9a-f]/)
      if (!text.includes('::')) expect(text).not.toMatch(/(^|:)0:0(:|$)/)
    }
  })
})
