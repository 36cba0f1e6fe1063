import assert from 'node:assert'
import * as fc from 'fast-check'
import { ControlBuilder } from '../../lib/control/build'
import { buildControl, walkControl, type Control } from '../../lib/control/walk'
import { ErrorRecordDecoder } from '../../lib/errqueue/record'
import { darwin, interfaces, linux, roomsOf } from '../unit/control/platforms'
import {
  anyBytes,
  bytesOf,
  decodesAlone,
  detached,
  holds,
  i32,
  ipv4,
  orRefused,
  positive32,
  spoiled,
  u16,
  u32,
  u64,
  u8,
} from './check'

const data = anyBytes.map(bytes => Buffer.from(bytes))
const gone = 'memory that was given away'

describe.each([linux, darwin])('on $os', platform => {
  const { addresses, layout, meta } = roomsOf(platform)
  const build = new ControlBuilder(platform, interfaces)
  const errors = new ErrorRecordDecoder(platform, addresses, meta)
  const { constants } = platform

  /** Control messages of known and unknown types. */
  const levels = ['SOL_SOCKET', 'IPPROTO_IP', 'IPPROTO_IPV6', 'IPPROTO_UDP', 'IPPROTO_TCP', 'SOL_PACKET', 'SOL_NETLINK', 'SOL_TLS']
    .map(name => constants[name])
    .filter(level => level !== undefined) // prettier-ignore
  const message: fc.Arbitrary<Control> = fc.record({
    level: fc.oneof(fc.constantFrom(...levels), i32),
    type: fc.oneof(fc.constantFrom(...(Object.values(constants) as number[])), fc.nat(90), i32),
    data,
  })
  const messages = fc.array(message, { maxLength: 5 })
  const walk = (bytes: Uint8Array, length = bytes.length): Control[] => walkControl(layout, bytes, length)

  test('an encoded list of control messages decodes to the same list', () => {
    holds(messages, controls => {
      const bytes = buildControl(layout, controls)
      expect(walk(bytes)).toEqual(controls)
      expect(bytes.length).toBe(controls.reduce((sum, each) => sum + layout.space(each.data.length), 0))
    })
  })

  test('damaged and random buffers decode without reading beyond them', () => {
    const valid = messages.map(controls => buildControl(layout, controls))
    const length = fc.integer({ min: -5, max: 900 })
    holds(fc.tuple(fc.oneof(spoiled(valid), anyBytes), length), ([bytes, given]) => {
      for (const end of [bytes.length, given]) {
        const controls = decodesAlone(bytes, each => walk(each, end))
        const total = controls.reduce((sum, each) => sum + layout.header + each.data.length, 0)
        expect(total).toBeLessThanOrEqual(bytes.length)
        // The decoded list encodes to a list that decodes to the same.
        expect(walk(buildControl(layout, controls))).toEqual(controls)
        assert.deepStrictEqual(meta.decode(controls), meta.decode(controls))
      }
    })
  })

  test('random data of any control message decodes without reading beyond it', () => {
    holds(message, ({ level, type, data: bytes }) => {
      decodesAlone(bytes, each => meta.decode([{ level, type, data: each }]))
      decodesAlone(bytes, each =>
        errors.decode({ data: Buffer.alloc(0), address: null, truncated: false, control: [{ level, type, data: each }] }),
      )
    })
  }) // prettier-ignore

  /** Encodes a control message and decodes it again. */
  const seen = (control: Control | undefined) =>
    control === undefined ? {} : meta.decode(walk(buildControl(layout, [control])))

  test('what a builder encodes decodes to the same value', () => {
    const one = fc.integer({ min: 1, max: 255 })
    holds(one, n => {
      // Darwin uses other types for the messages that it delivers than for those that it accepts.
      if (platform.os === 'linux') expect(seen(build.ttl(n))).toEqual({ ttl: n })
      expect(seen(build.ttl(n).inet6)).toEqual({ ttl: n })
      expect(seen(build.hopLimit(n))).toEqual({ ttl: n })
    })
    holds(u8, n => {
      if (platform.os === 'linux') expect(seen(build.tos(n))).toEqual({ tos: n, ecn: n & 3 })
      expect(seen(build.tos(n).inet6)).toEqual({ tos: n, ecn: n & 3 })
      expect(seen(build.trafficClass(n))).toEqual({ tos: n, ecn: n & 3 })
    })
    holds(fc.tuple(ipv4, positive32), ([source, device]) => {
      const built = build.packetInfo({ source, interface: device })
      expect(seen(built)).toEqual({ interface: device, localAddress: source, destination: '0.0.0.0' })
      expect(seen(built.inet6)).toEqual({ interface: device, destination: `::ffff:${source}` })
    })
    holds(fc.array(positive32, { minLength: 1, maxLength: 253 }), fds => {
      const numbers = walk(buildControl(layout, [build.rights(fds)]))[0]!.data
      expect([...new Int32Array(Uint8Array.from(numbers).buffer)]).toEqual(fds)
    })
    if (platform.os === 'darwin') return
    holds(fc.record({ pid: positive32, uid: u32, gid: u32 }), who => {
      expect(seen(build.credentials(who))).toEqual({ credentials: who })
    })
    holds(u32, n => expect(seen(build.mark(n))).toEqual({ mark: n }))
    holds(positive32, n => expect(seen(build.priority(n))).toEqual({ priority: n }))
    holds(fc.nat(0xfffffff), n => expect(seen(build.flowInfo(n))).toEqual({ flowInfo: n }))
    holds(u64, ns => expect(new BigUint64Array(Uint8Array.from(build.txTime(ns).data).buffer)[0]).toBe(ns))
    holds(fc.integer({ min: 1, max: 65535 }), n =>
      expect(new Uint16Array(Uint8Array.from(build.segmentSize(n).data).buffer)[0]).toBe(n),
    )
    holds(u32, n => {
      for (const { data: word } of [build.timestamping(n), build.timestampId(n)])
        expect(new Uint32Array(Uint8Array.from(word).buffer)[0]).toBe(n)
    })
    holds(u8, n => expect([...build.tlsRecordType(n).data]).toEqual([n]))
  })

  test('every error of a builder has a code', () => {
    const names = Object.getOwnPropertyNames(ControlBuilder.prototype).filter(name => name !== 'constructor')
    const given = fc.oneof(
      fc.anything({ withBigInt: true, withTypedArray: true }),
      fc.constant('eth7'),
      fc.constant('destination'),
      fc.constant(gone), // stands for detached memory, which fast-check could not print
      fc.record({ source: fc.oneof(fc.ipV6(), fc.string()), interface: fc.oneof(fc.string(), u16) }),
    )
    holds(fc.tuple(fc.constantFrom(...names), fc.array(given, { maxLength: 3 })), ([name, args]) => {
      const method = (build as unknown as Record<string, (...args: unknown[]) => Control>)[name]!
      // Without an object to destructure, JavaScript throws its own TypeError.
      if (name === 'packetInfo' && (args[0] === undefined || args[0] === null)) return
      const control = orRefused(() =>
        method.apply(
          build,
          args.map(each => (each === gone ? detached(8) : each)),
        ),
      )
      if (control !== undefined) expect(walk(buildControl(layout, [control]))[0]!.data).toEqual(control.data)
    })
  })
})

describe('the error queue', () => {
  const { addresses, layout, meta } = roomsOf(linux)
  const errors = new ErrorRecordDecoder(linux, addresses, meta)
  const fields = fc.record({
    ee_errno: u32,
    ee_origin: u8,
    ee_type: u8,
    ee_code: u8,
    ee_info: u32,
    ee_data: u32,
  })
  const written = fc.tuple(fields, ipv4).map(([given, offender]) => {
    const address = addresses.encode({ address: offender, port: 0 }, linux.constants['AF_INET']!)
    const bytes = Buffer.alloc(16 + address.length)
    const words = new Uint32Array([given.ee_errno, 0, given.ee_info, given.ee_data])
    bytes.set(new Uint8Array(words.buffer))
    bytes.set([given.ee_origin, given.ee_type, given.ee_code], 4)
    bytes.set(address, 16)
    return { given, offender, bytes }
  })
  const carried = (data: Uint8Array): Control[] => [{ level: 0, type: 11, data: Buffer.from(data) }]
  const decode = (control: Control[]) =>
    errors.decode({ data: Buffer.alloc(0), address: null, truncated: false, control })

  test('an error record has the values that the kernel wrote', () => {
    holds(written, ({ given, offender, bytes }) => {
      const record = decode(walkControl(layout, buildControl(layout, carried(bytes)), 1000))
      expect(record).toMatchObject(given)
      expect(record.offender).toMatchObject({ kind: 'inet', address: offender, port: 0 })
      expect(record.errno).toBe(given.ee_errno === 0 ? 0 : -(given.ee_errno | 0))
    })
  })

  test('a damaged error record decodes without reading beyond it', () => {
    holds(spoiled(written.map(({ bytes }) => bytes)), bytes => {
      decodesAlone(bytes, each => decode([{ level: 0, type: 11, data: each }]))
    })
    holds(bytesOf(60), bytes => void decode(carried(bytes)))
  })
})
