import { randomBytes } from 'node:crypto'
import { ErrorRecordDecoder, type ErrorRecord } from '../../../lib/errqueue/record'
import { darwin, linux, roomsOf } from '../control/platforms'

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/ /g, ''), 'hex')
const rooms = roomsOf(linux)
const decoder = new ErrorRecordDecoder(linux, rooms.addresses, rooms.meta)

function decode(hex: string, level = 0, type = 11, ...more: [number, number, string][]): ErrorRecord {
  const control = [[level, type, hex] as const, ...more].map(([l, t, data]) => ({
    level: l,
    type: t,
    data: bytes(data),
  }))
  return decoder.decode({ data: Buffer.from('data'), address: null, truncated: false, control })
}
const from4 = '0200 0000 0a000001 0000000000000000'
const noOffender = '00'.repeat(16)

test('an ICMP error has its sender, type and code', () => {
  const record = decode(`6f000000 02 03 03 00 00000000 00000000 ${from4}`)
  expect(record).toMatchObject({
    origin: 'icmp',
    code: 'ECONNREFUSED',
    errno: -111,
    icmp: { type: 3, code: 3 },
    ee_errno: 111,
    ee_origin: 2,
    ee_type: 3,
    ee_code: 3,
    ee_info: 0,
    ee_data: 0,
  })
  expect(String(record.offender)).toBe('10.0.0.1:0')
  expect(record.mtu).toBeUndefined()
})

test('EMSGSIZE has the MTU, from ICMP, ICMPv6 and this host', () => {
  expect(decode(`5a000000 02 03 04 00 dc050000 00000000 ${from4}`)).toMatchObject({
    origin: 'icmp',
    mtu: 1500,
  })
  const from6 = `0a00 0000 00000000 fe80${'0'.repeat(27)}1 02000000`
  const six = decode(`5a000000 03 02 00 00 00050000 00000000 ${from6}`, 41, 25)
  expect(six).toMatchObject({ origin: 'icmp6', mtu: 1280, code: 'EMSGSIZE', icmp: { type: 2, code: 0 } })
  expect(six.offender).toMatchObject({ kind: 'inet6', address: 'fe80::1', scopeId: 2 })
  expect(decode(`5a000000 01 00 00 00 ffff0000 00000000 ${noOffender}`)).toMatchObject({
    origin: 'local',
    mtu: 65535,
    offender: null,
  })
})

test('a timestamp record has its stage, its number and its time', () => {
  const when: [number, number, string] = [1, 37, `0100000000000000 0200000000000000 ${'00'.repeat(32)}`]
  for (const [info, stage] of [
    ['00000000', 'sent'],
    ['01000000', 'scheduled'],
    ['02000000', 'acknowledged'],
    ['03000000', 'completed'],
    ['09000000', 9],
  ])
    expect(decode(`2a000000 04 00 00 00 ${String(info)} 07000000 ${noOffender}`, 0, 11, when)).toMatchObject({
      origin: 'timestamping',
      stage,
      id: 7,
      timestamp: 1_000_000_002n,
      offender: null,
      meta: {},
    })
  expect(decode('2a000000 04 00 00 00 00000000 01000000', 263, 16)).toMatchObject({ stage: 'sent', id: 1 })
})

test('zero-copy and timed packets have records', () => {
  expect(decode(`00000000 05 00 01 00 02000000 09000000 ${noOffender}`)).toMatchObject({
    origin: 'zerocopy',
    code: '',
    errno: 0,
    zerocopy: { first: 2, last: 9, copied: true },
  })
  expect(decode(`00000000 05 00 00 00 00000000 00000000`, 41, 25).zerocopy).toMatchObject({ copied: false })
  expect(decode(`7d000000 06 00 02 00 02000000 01000000 ${noOffender}`)).toMatchObject({
    origin: 'txtime',
    code: 'ECANCELED',
    txtime: { time: (1n << 32n) + 2n, reason: 'missed' },
  })
  expect(decode(`16000000 06 00 01 00 00000000 00000000`).txtime).toMatchObject({ reason: 'invalid' })
})

test('an unknown origin keeps its numbers, and the extensions of RFC 4884 are decoded', () => {
  expect(decode(`63270000 c8 01 02 00 03000000 78563412`)).toMatchObject({
    origin: 200,
    code: '10083',
    errno: -10083,
    ee_data: 0x12345678,
    offender: null,
  })
})

test('random bytes decode without an error on either system', () => {
  const other = roomsOf(darwin)
  const none = new ErrorRecordDecoder(darwin, other.addresses, other.meta)
  const empty = { data: Buffer.alloc(0), address: null, truncated: true, control: [] }
  expect(none.decode(empty)).toMatchObject({ code: '', errno: 0, ee_origin: 0, truncated: true })
  expect(decoder.decode(empty)).toMatchObject({ origin: 'none', offender: null, control: [] })
  for (let i = 0; i < 3000; i++) {
    const control = [{ level: 0, type: 11, data: randomBytes(i % 60) }]
    if (control[0]!.data.length > 4) control[0]!.data[4] = i % 8
    const record = decoder.decode({ ...empty, control })
    expect(record.control).toBe(control)
    expect(typeof record.code).toBe('string')
  }
})
