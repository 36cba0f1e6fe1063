import {
  AF_INET,
  AF_INET6,
  checksum,
  htonl,
  htons,
  inet_aton,
  inet_ntop,
  inet_pton,
  ntohl,
  ntohs,
} from '../../lib'
import { thrown } from '../helpers/errors'

describe('checksum', () => {
  test('checksum of the example of RFC 1071 is right, and an odd length counts as padded with zero', () => {
    const bytes = Buffer.from('0001f203f4f5f6f7', 'hex')
    expect(checksum(bytes)).toBe(~0xddf2 & 0xffff)
    expect(checksum(Buffer.from('0001f203f4f5f6', 'hex'))).toBe(
      checksum(Buffer.from('0001f203f4f5f600', 'hex')),
    )
    expect(checksum(Buffer.alloc(0))).toBe(0xffff)
    expect(checksum(Buffer.alloc(70000, 0xff))).toBe(0)
  })

  test('checksum of an IPv4 header that includes its checksum is 0', () => {
    const header = Buffer.from('450000730000400040110000c0a80001c0a800c7', 'hex')
    expect(checksum(header)).toBe(0xb861)
    header.writeUInt16BE(0xb861, 10)
    expect(checksum(header)).toBe(0)
  })

  test('checksum of several parts equals that of the whole, wherever the cuts are', () => {
    const bytes = Buffer.from(Array.from({ length: 23 }, (_, i) => (i * 73 + 11) & 0xff))
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const parts = [bytes.subarray(first, second), bytes.subarray(second)] as const
        expect(checksum(bytes.subarray(0, first), ...parts)).toBe(checksum(bytes))
      }
    }
  })

  test('checksum takes any view as its bytes', () => {
    const words = Uint16Array.of(0x1234, 0x5678, 0x9abc)
    const bytes = new Uint8Array(words.buffer)
    expect(checksum(words)).toBe(checksum(bytes))
    expect(checksum(new DataView(words.buffer, 1, 3))).toBe(checksum(bytes.subarray(1, 4)))
  })

  test('checksum refuses anything but views', () => {
    expect(thrown(() => checksum('text' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => checksum(Buffer.alloc(2), [1] as never)).message).toMatch(/"more\[0\]"/)
  })
})

test('htons and htonl put the most significant byte first', () => {
  expect([...new Uint8Array(Uint16Array.of(htons(0x0102)).buffer)]).toEqual([1, 2])
  expect([...new Uint8Array(Uint32Array.of(htonl(0x01020304)).buffer)]).toEqual([1, 2, 3, 4])
  expect([ntohs(htons(0xfffe)), ntohl(htonl(0xfffffffe))]).toEqual([0xfffe, 0xfffffffe])
})

test.each([
  ['127.1', '7f000001'],
  ['0x7f.0x1', '7f000001'],
  ['0x7F000001', '7f000001'],
  ['017700000001', '7f000001'],
  ['1.2.0x304', '01020304'],
  ['4294967295', 'ffffffff'],
])('inet_aton parses %s', (text, hex) => expect(inet_aton(text).toString('hex')).toBe(hex))

test.each(['', '1.', '256.1', '1.2.3.4.5', '08', '0x', '4294967296', '1.16777216', ' 1', '1x'])(
  'inet_aton refuses %j',
  text => expect(thrown(() => inet_aton(text)).code).toBe('ERR_INVALID_ADDRESS'),
)

test('the functions of packed addresses and checksums refuse invalid arguments', () => {
  for (const call of [
    () => inet_aton(5 as never),
    () => inet_pton(AF_INET, 5 as never),
    () => inet_pton('4' as never, '::1'),
    () => inet_ntop(AF_INET, '1234' as never),
    () => checksum('text' as never),
    () => checksum(Buffer.alloc(2), 'text' as never),
  ]) {
    expect(thrown(call).code).toBe('ERR_INVALID_ARG_TYPE')
  }
  expect(thrown(() => inet_pton(AF_INET, '::1')).code).toBe('ERR_INVALID_ADDRESS')
  expect(thrown(() => inet_pton(AF_INET6, '1.2.3.4')).code).toBe('ERR_INVALID_ADDRESS')
  expect(thrown(() => inet_pton(1, '::1')).code).toBe('ERR_OUT_OF_RANGE')
  expect(thrown(() => inet_ntop(AF_INET6, Buffer.alloc(4))).code).toBe('ERR_OUT_OF_RANGE')
  expect(inet_ntop(AF_INET, new DataView(Uint8Array.of(1, 2, 3, 4).buffer) as never)).toBe('1.2.3.4')
})
