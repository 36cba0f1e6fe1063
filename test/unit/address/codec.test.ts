import { deepStrictEqual, notDeepStrictEqual } from 'node:assert'
import { AddressCodec, isAddress, type AddressLike } from '../../../lib/address'
import { darwin, linux } from '../../helpers/platforms'
import { af, as, both, hex, interfaces, onDarwin, onLinux, thrown, wrong } from './support'

/** Wraps an object so that the reads of each field are counted. */
function watched(fields: Record<string, unknown>): { value: AddressLike; reads: Map<string, number> } {
  const reads = new Map<string, number>()
  const value = new Proxy(fields, {
    get(target, key) {
      const name = String(key)
      reads.set(name, (reads.get(name) ?? 0) + 1)
      return target[name]
    },
  })
  return { value: wrong(value), reads }
}

describe.each(both)('raw addresses on %s', (os, platform, codec) => {
  const head = (family: number, length: number): Uint8Array =>
    os === 'darwin' ? Uint8Array.of(length, family) : Uint8Array.of(family, 0)

  test('AF_UNSPEC can be encoded for a socket of every family', () => {
    for (const family of [...Object.values(platform.constants), 0, 250]) {
      expect(codec.encode({ family: 0, data: new Uint8Array(0) }, family!)).toEqual(head(0, 2))
    }
  })

  test('the data of a raw address is encoded unchanged, with its family', () => {
    const data = Uint8Array.of(1, 2, 3)
    const bytes = codec.encode({ family: 99, data }, af(platform, 'AF_INET'))
    data.fill(9)
    expect(bytes).toEqual(Uint8Array.of(...head(99, 5), 1, 2, 3))
    expect(codec.encode({ family: 99, data: Buffer.alloc(126) }, 99).length).toBe(128)
  })

  test('an address of an unknown family decodes to its raw bytes', () => {
    const bytes = Uint8Array.of(...head(99, 5), 1, 2, 3)
    const address = as(codec.decode(bytes), 'unknown')
    expect(address.family).toBe(99)
    expect(address.data).toEqual(Buffer.from([1, 2, 3]))
    expect(String(address)).toBe('unknown:99:010203')
    expect(address.toJSON()).toEqual({ kind: 'unknown', family: 99, data: '010203' })
    expect(codec.encode(address, 99)).toEqual(bytes)
    expect(codec.encode({ family: address.family, data: address.data }, 99)).toEqual(bytes)
  })

  test('a raw address with invalid fields is refused', () => {
    const code = (family: unknown, data: unknown): unknown =>
      thrown(() => codec.encode(wrong({ family, data }), 2)).code
    const none = new Uint8Array(0)
    expect(code(-1, none)).toBe('ERR_OUT_OF_RANGE')
    expect(code(os === 'darwin' ? 256 : 65536, none)).toBe('ERR_OUT_OF_RANGE')
    expect(code(undefined, none)).toBe('ERR_INVALID_ARG_TYPE')
    expect(code('2', none)).toBe('ERR_INVALID_ARG_TYPE')
    expect(code(2, 'x')).toBe('ERR_INVALID_ARG_TYPE')
    expect(code(2, null)).toBe('ERR_INVALID_ARG_TYPE')
    expect(code(2, new Uint8Array(127))).toBe('ERR_OUT_OF_RANGE')
  })

  test('one byte decodes to an address without a family', () => {
    const address = as(codec.decode(Uint8Array.of(2)), 'unknown')
    expect([address.family, address.data.length, address.bytes.length]).toEqual([0, 0, 1])
  })

  test('decode refuses a length beyond the bytes, below 0 or of a wrong type', () => {
    const bytes = codec.encode(['1.2.3.4', 5], 2)
    expect(codec.decode(bytes, 999)?.bytes).toEqual(bytes)
    expect(codec.decode(bytes, -1)).toBeNull()
    expect(codec.decode(bytes, Number.NaN)).toBeNull()
  })
})

describe.each(both)('an Address on %s', (_, platform, codec) => {
  const inet = af(platform, 'AF_INET')
  const inet6 = af(platform, 'AF_INET6')
  const four = codec.decode(codec.encode(['10.0.0.1', 1], inet))!
  const six = codec.decode(codec.encode(['::1', 1], inet6))!

  test('a decoded address encodes to the same bytes', () => {
    expect(codec.encode(four, inet)).toEqual(four.bytes)
    expect(codec.encode(six, inet6)).toEqual(six.bytes)
  })

  test('an address of another family is refused by name', () => {
    const error = thrown(() => codec.encode(four, inet6))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain("'10.0.0.1:1'")
    expect(error.message).toContain('of AF_INET and the socket is AF_INET6')
    expect(error.message).toContain('::ffff:10.0.0.1')
    expect(thrown(() => codec.encode(six, inet)).message).toContain('of AF_INET6 and the socket is AF_INET')
    const strange = codec.decode(codec.encode({ family: 99, data: hex('01') }, 99))!
    expect(thrown(() => codec.encode(strange, inet)).message).toContain('of family 99')
  })

  test('an address does not share memory with the decoded bytes', () => {
    const bytes = four.bytes
    bytes.fill(0)
    expect(String(four)).toBe('10.0.0.1:1')
    const source = codec.encode(['10.0.0.2', 2], inet).slice()
    const decoded = codec.decode(source)
    source.fill(0)
    expect(String(decoded)).toBe('10.0.0.2:2')
  })

  test('an address cannot be changed', () => {
    for (const field of ['address', 'port', 'kind', 'family', 'bytes']) {
      expect(() => {
        ;(four as unknown as Record<string, unknown>)[field] = 1
      }).toThrow(TypeError)
    }
  })

  test('two addresses that differ are not deeply equal', () => {
    const again = codec.decode(four.bytes)
    const other = codec.decode(codec.encode(['10.0.0.1', 2], inet))
    deepStrictEqual(four, again)
    notDeepStrictEqual(four, other)
    expect(four).toEqual(again)
    expect(four).not.toEqual(other)
    expect(four).not.toEqual(six)
  })

  test('a copy of an address made by spread is refused instead of encoded as the wildcard address', () => {
    const error = thrown(() => codec.encode(wrong({ ...four, port: 80 }), inet))
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.message).toContain('toJSON()')
    expect(codec.encode({ ...as(four, 'inet').toJSON(), port: 80 }, inet)).toEqual(
      codec.encode(['10.0.0.1', 80], inet),
    )
  })

  test('isAddress is true only for addresses', () => {
    expect(isAddress(four)).toBe(true)
    for (const value of [null, undefined, '', {}, ['1.2.3.4', 5], { ...four }])
      expect(isAddress(value)).toBe(false)
  })
})

describe('an address object of the caller', () => {
  test.each<[string, Record<string, unknown>]>([
    ['AF_INET', { address: '1.2.3.4', port: 5 }],
    ['AF_INET', { port: 5 }],
    ['AF_INET6', { address: 'fe80::1%eth0', port: 5, scopeId: 2, flowinfo: 1 }],
    ['AF_UNIX', { path: '/x' }],
    ['AF_PACKET', { interface: 'eth0', protocol: 3, hardwareAddress: '1:2', packetType: 1, hardwareType: 1 }],
    ['AF_NETLINK', { pid: 1, groups: 2 }],
    ['AF_VSOCK', { cid: 1, port: 2, flags: 1 }],
    ['AF_CAN', { interface: 1, rxId: 1, txId: 2 }],
    ['AF_CAN', { interface: 1, name: 1n, pgn: 2, addr: 3 }],
    ['AF_XDP', { interface: 1, queue: 1, flags: 1, sharedFd: 1 }],
    ['AF_TIPC', { type: 1, lower: 2, upper: 3, scope: 1 }],
    ['AF_BLUETOOTH', { bdaddr: '1:2:3:4:5:6', psm: 1, cid: 1, bdaddrType: 1 }],
    ['AF_ALG', { type: 'hash', name: 'md5', feature: 1, mask: 1 }],
    ['AF_INET', { family: 0, data: new Uint8Array(0) }],
  ])('each field is read once, %s %#', (name, fields) => {
    const { value, reads } = watched(fields)
    const bytes = onLinux.encode(value, af(linux, name))
    expect(bytes).toEqual(onLinux.encode(wrong(fields), af(linux, name)))
    expect([...reads].filter(([, count]) => count !== 1)).toEqual([])
    for (const field of Object.keys(fields)) expect(reads.get(field)).toBe(1)
  })

  test('an error thrown by a getter of the caller is passed on', () => {
    const mine = new Error('mine')
    const value = {
      get port(): number {
        throw mine
      },
    }
    expect(thrown(() => onLinux.encode(value, 2))).toBe(mine)
  })

  test('the object may have no prototype, or getters of a class', () => {
    class Endpoint {
      get address(): string {
        return '1.2.3.4'
      }
      get port(): number {
        return 5
      }
    }
    const expected = onLinux.encode(['1.2.3.4', 5], 2)
    expect(onLinux.encode(new Endpoint(), 2)).toEqual(expected)
    expect(onLinux.encode(Object.assign(Object.create(null), { address: '1.2.3.4', port: 5 }), 2)).toEqual(
      expected,
    )
  })
})

describe('families', () => {
  test('the error for a family that the platform lacks names the system', () => {
    for (const name of ['AF_PACKET', 'AF_NETLINK', 'AF_CAN', 'AF_XDP', 'AF_TIPC', 'AF_BLUETOOTH', 'AF_ALG']) {
      const error = thrown(() => onDarwin.encode({ interface: 1 }, darwin.constants[name] as number))
      expect(error.code).toBe('ERR_INVALID_ADDRESS')
      expect(error.message).toContain('macOS has no such address family')
    }
  })

  test('a family without a codec of its own takes raw data and addresses', () => {
    const error = thrown(() => onDarwin.encode({ interface: 'en0' }, 17))
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.message).toContain('macOS')
    expect(error.message).toContain('{ family, data }')
    const inet = onLinux.decode(onLinux.encode(['1.2.3.4', 5], 2))!
    expect(onLinux.encode(inet, 43)).toEqual(inet.bytes)
  })

  test('AF_RDS takes IPv4 addresses', () => {
    const bytes = onLinux.encode(['1.2.3.4', 5], af(linux, 'AF_RDS'))
    expect(bytes).toEqual(onLinux.encode(['1.2.3.4', 5], 2))
    expect(onLinux.encode(onLinux.decode(bytes)!, af(linux, 'AF_RDS'))).toEqual(bytes)
  })

  test('a layout table without one field of a struct is refused at once', () => {
    const { offsetof_sockaddr_nl_nl_pid: _, ...layout } = linux.layout
    expect(() => new AddressCodec({ ...linux, layout }, interfaces)).toThrow('offsetof_sockaddr_nl_nl_pid')
  })

  test('a layout table without a struct leaves its family raw', () => {
    const layout = Object.fromEntries(
      Object.entries(linux.layout).filter(([name]) => !name.includes('sockaddr_nl')),
    )
    const codec = new AddressCodec({ ...linux, layout }, interfaces)
    expect(codec.decode(hex('1000 0000 01000000 00000000'))?.kind).toBe('unknown')
  })
})

describe.each(both)('an endpoint that is encoded again on %s', (_, platform, codec) => {
  const inet = af(platform, 'AF_INET')
  const inet6 = af(platform, 'AF_INET6')

  test('it has the bytes of its own host, port and family', () => {
    const endpoints = [
      ['10.0.0.1', 1, inet],
      ['10.0.0.1', 2, inet],
      ['10.0.0.2', 2, inet],
      ['', 2, inet],
      ['', 2, inet6],
      ['::1', 2, inet6],
      ['fe80::1%7', 2, inet6],
      ['::1', 2, inet6],
    ] as const
    const twice = [...endpoints, ...endpoints].flatMap(each => [each, each])
    for (const [host, port, family] of twice)
      expect(codec.encodeEndpoint(host, port, family)).toEqual(codec.encode([host, port], family))
  })

  test('what is written to a result of encode does not change it', () => {
    const before = Buffer.from(codec.encodeEndpoint('10.0.0.9', 9, inet))
    codec.encode(['10.0.0.9', 9], inet).fill(255)
    expect(Buffer.from(codec.encodeEndpoint('10.0.0.9', 9, inet))).toEqual(before)
  })

  test.each([Number.NaN, -1, 65536, 0.5])('port %p is refused each time', port => {
    for (const family of [inet, inet6])
      for (let i = 0; i < 2; i++)
        expect(thrown(() => codec.encodeEndpoint('', port, family)).code).toBe('ERR_OUT_OF_RANGE')
  })

  test('the index of a zone is looked up each time', () => {
    let index = 5
    const changing = new AddressCodec(platform, { ...interfaces, indexOf: () => index })
    const scope = (): unknown => changing.decode(changing.encodeEndpoint('fe80::1%eth9', 1, inet6))?.scopeId
    expect(scope()).toBe(5)
    index = 6
    expect(scope()).toBe(6)
  })
})
