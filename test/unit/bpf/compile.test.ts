import { bpf, type CompileOptions } from '../../../lib/bpf'
import { random } from './random'
import { frame } from './packets'

/** Returns the error for an expression. */
function failure(
  expression: string,
  options?: CompileOptions,
): SyntaxError & { code: string; position: number } {
  try {
    bpf.compile(expression, options)
  } catch (error) {
    return error as never
  }
  throw new Error(`compiles: ${expression}`)
}

const frames = (): Buffer[] => {
  const below = random(7)
  return Array.from({ length: 400 }, () => frame(below))
}

/** Expects two expressions to accept the same frames. */
function same(one: string, other: string, options: CompileOptions = {}): void {
  const [first, second] = [bpf.compile(one, options), bpf.compile(other, options)]
  for (const bytes of frames()) expect(bpf.run(first, bytes)).toBe(bpf.run(second, bytes))
}

describe('what an expression means', () => {
  test('a program accepts the packets of the expression', () => {
    const program = bpf.compile('tcp and dst port 80')
    const bytes = Buffer.alloc(60)
    bytes.set([0x08, 0x00, 0x45], 12)
    bytes[23] = 6
    bytes.writeUInt16BE(80, 36)
    expect(bpf.run(program, bytes)).toBe(262144)
    bytes.writeUInt16BE(81, 36)
    expect(bpf.run(program, bytes)).toBe(0)
  })

  test('an empty expression accepts everything', () => {
    for (const text of ['', ' \n\t']) expect(String(bpf.compile(text))).toBe('(000) ret      #262144')
  })

  test('snaplen is the number of bytes of an accepted packet', () => {
    expect(bpf.run(bpf.compile('', { snaplen: 96 }), Buffer.alloc(200))).toBe(96)
  })

  test.each([
    ['tcp or udp and ip6', '(tcp or udp) and ip6'],
    ['not tcp and ip', '(not tcp) and ip'],
    ['tcp port 80 or 443', 'tcp port 80 or tcp port 443'],
    ['host 10.0.0.1 or 10.1.2.3 and not port 22', '(host 10.0.0.1 or host 10.1.2.3) and not port 22'],
    ['port 22 or (host 10.0.0.1) or 80', 'port 22 or host 10.0.0.1 or port 80'],
    ['1 + 2 * 4 = 9', ''],
    ['ip[8] - 1 - 1 = 62', 'ip[8] = 64'],
    ['ip[8] & 0xc0 >> 1 = 0x40', 'ip[8] & (0xc0 >> 1) = 0x40'],
    ['0x10 = 16 and 010 = 8', ''],
    ['length = 60', 'len == 60'],
    ['! ip && ! arp || udp', 'not ip and not arp or udp'],
    ['ip proto \\tcp', 'ip proto 6'],
    ['portrange 81-80', 'portrange 80-81'],
  ])('%s means the same as %s', (one, other) => same(one, other))

  test('names of ports are those of the services', () => {
    const services = { http: 80, 'x-11': 6000, domain: 53 }
    same('port http', 'port 80', { services })
    same('tcp port http or domain', 'tcp port 80 or 53', { services })
    same('portrange domain-http', 'portrange 53-80', { services })
    expect(failure('port http').message).toContain('unknown port "http"')
    expect(failure('port constructor', { services }).message).toContain('unknown port')
  })

  test('a cooked packet has its type in the metadata', () => {
    const program = bpf.compile('arp or ip host 10.0.0.1', { link: 'cooked' })
    expect(bpf.run(program, Buffer.alloc(28), { protocol: 0x0806 })).not.toBe(0)
    const packet = Buffer.alloc(20)
    packet.set([10, 0, 0, 1], 12)
    expect(bpf.run(program, packet, { protocol: 0x0800 })).not.toBe(0)
    expect(bpf.run(program, packet, { protocol: 0x86dd })).toBe(0)
  })

  test('a raw packet has its version in its first byte', () => {
    const program = bpf.compile('ip6', { link: 'raw' })
    expect(bpf.run(program, Buffer.of(0x60))).not.toBe(0)
    expect(bpf.run(program, Buffer.of(0x45))).toBe(0)
  })

  test('with metadata, vlan accepts a tag that the kernel has removed', () => {
    const bytes = Buffer.alloc(60)
    bytes.set([0x08, 0x00, 0x45], 12)
    const tagged = { vlan_tag: 0x2005 }
    const [plain, live] = [{}, { metadata: true }].map(options => bpf.compile('vlan 5 and ip', options))
    expect(bpf.run(plain!, bytes, tagged)).toBe(0)
    expect(bpf.run(live!, bytes, tagged)).not.toBe(0)
    expect(bpf.run(live!, bytes, { vlan_tag: 6 })).toBe(0)
    const inside = Buffer.concat([bytes.subarray(0, 12), Buffer.from('81002005', 'hex'), bytes.subarray(12)])
    for (const program of [plain, live]) expect(bpf.run(program!, inside)).not.toBe(0)
  })

  test('a condition that is far away is reached', () => {
    const hosts = Array.from({ length: 150 }, (_, i) => `10.0.${i}.1`)
    const program = bpf.compile(`host ${hosts.join(' or ')}`)
    expect(program.length).toBeGreaterThan(400)
    const bytes = Buffer.alloc(60)
    bytes.set([0x08, 0x00, 0x45], 12)
    for (const [third, expected] of [[0, 262144], [75, 262144], [149, 262144], [150, 0]] as const) {
      bytes.set([10, 0, third, 1], 26)
      expect(bpf.run(program, bytes)).toBe(expected)
    } // prettier-ignore
  })
})

describe('what is wrong with an expression', () => {
  test('the error shows the place', () => {
    const error = failure('tcp and prot 80')
    expect(error).toBeInstanceOf(SyntaxError)
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', position: 8 })
    expect(error.message).toBe(
      'Invalid filter expression: a qualifier such as "host" or "port" is missing before this\n' +
        '  tcp and prot 80\n' +
        '          ^^^^',
    )
  })

  test('the error shows a part of a long text', () => {
    const error = failure(`${'ip or '.repeat(100)}\n💥${' or ip'.repeat(100)}`)
    expect(error.position).toBe(601)
    const [, shown, carets] = error.message.split('\n')
    expect(shown!.length).toBeLessThan(90)
    expect([...shown!][carets!.indexOf('^')]).toBe('💥')
  })

  test.each<[expression: string, position: number, message: string]>([
    ['and', 0, 'expected a condition'],
    ['ip and', 6, 'not the end'],
    ['ip or or arp', 6, 'expected a condition'],
    ['ip arp', 3, 'expected "and", "or" or the end'],
    ['(ip', 3, 'expected ")"'],
    ['ip)', 2, 'expected "and", "or" or the end'],
    ['()', 1, 'expected a condition'],
    ['@', 0, 'unexpected character'],
    ['10.0.0.1', 0, 'a qualifier'],
    ['80', 0, 'a qualifier'],
    ['tcp or 80', 7, 'a qualifier'],
    ['tcp port 80 or icmp or 443', 23, 'a qualifier'],
    ['port (80 or tcp)', 12, 'a list of addresses or numbers'],
    ['port (tcp)', 5, 'a list of addresses or numbers'],
    ['host', 4, 'an address, a number or a name'],
    ['host foo', 5, 'names of hosts and networks are not resolved'],
    ['net localnet', 4, 'names of hosts and networks are not resolved'],
    ['host 10.0.0.256', 5, '0 to 255'],
    ['host 1::2::3', 5, 'no IPv6 address'],
    ['host 10.0.0.0/8', 14, 'only a network has a mask'],
    ['net 10.0.0.1/8', 4, 'outside the mask'],
    ['net 10.0.0.0/33', 13, 'at most 32'],
    ['net fe80::/129', 11, 'at most 128'],
    ['net fe80::1/64', 4, 'outside the mask'],
    ['net 10.0.0.0 mask 8', 18, 'a mask such as'],
    ['tcp host 10.0.0.1', 9, '"tcp" has no IPv4 addresses'],
    ['ip host ::1', 8, '"ip" has no IPv6 addresses'],
    ['ether host 10.0.0.1', 11, 'not an Ethernet address'],
    ['host 1:2:3:4:5:6', 5, 'needs "ether host"'],
    ['port 65536', 5, 'at most 65535'],
    ['icmp port 80', 10, 'has no ports'],
    ['port http', 5, 'unknown port "http"'],
    ['portrange 80-http', 10, 'unknown port "http"'],
    ['portrange 80-70000', 10, 'at most 65535'],
    ['port 10.0.0.1', 5, 'not a port'],
    ['ip proto tcp', 9, '"\\tcp", with a backslash'],
    ['ip proto \\nothing', 9, 'unknown protocol'],
    ['tcp proto 6', 10, 'has no protocols'],
    ['gateway foo', 0, 'no names are resolved'],
    ['ip6 protochain 6', 4, 'needs a loop'],
    ['vpi 1', 0, 'not supported'],
    ['arp broadcast', 0, '"arp" has no broadcast'],
    ['ether', 0, 'alone is no condition'],
    ['vlan 4096', 5, 'at most 4095'],
    ['mpls 1048576', 5, 'at most 1048575'],
    ['pppoes 65536', 7, 'at most 65535'],
    ['mpls and vlan', 9, 'MPLS contains no VLAN'],
    ['mpls and arp', 9, 'but IPv4 and IPv6'],
    ['pppoes and vlan', 11, 'not supported for this link type'],
    ['llc foo', 4, 'unknown type of LLC frames'],
    ['len > ', 6, 'not the end'],
    ['len', 3, 'expected'],
    ['len and ip', 4, 'expected a comparison'],
    ['len > 1 > 2', 8, 'expected'],
    ['ip[0', 4, 'expected "]"'],
    ['ip[0:3] = 1', 5, 'a size of 1, 2 or 4'],
    ['ip[] = 1', 3, 'a number'],
    ['stp[0] = 1', 0, 'no bytes that can be loaded'],
    ['len / 0 = 1', 4, 'division by 0'],
    ['len % (1 - 1) = 1', 4, 'division by 0'],
    ['len << 32 = 1', 4, 'more than 31 bits'],
    ['ether[-100] = 1', 0, 'before the start'],
    ['len > 08', 6, 'octal'],
    ['len > 0x1ffffffff', 6, '32 bits'],
    ['len > 4294967296', 6, '32 bits'],
    ['len > 99999999999', 6, '32 bits'],
    ['less x', 5, 'expected a number'],
  ])('%s', (expression, position, message) => {
    const error = failure(expression)
    expect([error.name, error.code, error.message]).toEqual([
      'SyntaxError',
      'ERR_INVALID_ARG_VALUE',
      expect.stringContaining(message),
    ])
    expect(error.position).toBe(position)
  })

  test.each([
    ['ether host 1:2:3:4:5:6', 'cooked'],
    ['ether[0] = 1', 'cooked'],
    ['vlan', 'cooked'],
    ['mpls', 'raw'],
    ['broadcast', 'raw'],
    ['llc', 'cooked'],
  ] as const)('%s is refused for packets that are %s', (expression, link) => {
    expect(failure(expression, { link })).toBeInstanceOf(SyntaxError)
  })

  test('arguments are checked', () => {
    const type = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' })
    const range = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' })
    for (const value of [undefined, null, 1, ['ip'], Buffer.from('ip')])
      expect(() => bpf.compile(value as never)).toThrow(type)
    for (const options of [
      null,
      1,
      { link: 1 },
      { snaplen: '1' },
      { metadata: 1 },
      { services: 1 },
      { services: { a: '1' } },
      { lnk: 'raw' },
    ])
      expect(() => bpf.compile('ip', options as never)).toThrow(type)
    for (const options of [
      { link: 'wifi' },
      { snaplen: 0 },
      { snaplen: 2 ** 32 },
      { services: { a: 65536 } },
    ])
      expect(() => bpf.compile('ip', options as never)).toThrow(range)
  })
})

describe('the size of an expression is bounded', () => {
  test.each([
    ['brackets', `${'('.repeat(1e5)}ip${')'.repeat(1e5)}`],
    ['not', `${'not '.repeat(1e5)}ip`],
    ['brackets and not', `${'(not '.repeat(1e5)}ip`],
    ['qualified brackets', `port ${'('.repeat(1e5)}80`],
    ['brackets of a number', `vlan ${'('.repeat(1e5)}80`],
    ['minus', `${'-'.repeat(1e5)} 1 = 1`],
    ['loads', `${'ip['.repeat(1e5)}0`],
    ['operators to the right', `${'1 ^ '.repeat(1e5)} 1 = 1`],
    ['operators to the left', `${'len + '.repeat(1e5)} 1 = 1`],
    ['values in use', `${'ip[0] - ('.repeat(30)}len${')'.repeat(30)} = 1`],
    ['conditions', `ip${' or arp'.repeat(1e5)}`],
    ['instructions', `host 10.0.0.1${' or 10.0.0.2'.repeat(3000)}`],
    ['characters', 'x'.repeat(1e6)],
    ['colons', ':'.repeat(1e6)],
    ['digits', '1'.repeat(1e6)],
    ['spaces', ' '.repeat(1e6) + 'x'],
  ])('%s', (_what, expression) => {
    expect(failure(expression)).toMatchObject({ name: 'SyntaxError', code: 'ERR_INVALID_ARG_VALUE' })
  })

  test('thousands of conditions compile', () => {
    expect(bpf.compile(`len = 0${' or len = 1 and len = 2'.repeat(1300)}`).length).toBeLessThanOrEqual(4096)
    expect(bpf.compile(`ip${' and ip or ip'.repeat(1000)}`).length).toBeLessThanOrEqual(4096)
    expect(bpf.compile(`${'len + '.repeat(700)}1 = 1`).length).toBeGreaterThan(1000)
    expect(bpf.compile(`1 = 1${' and 1 = 1'.repeat(4000)}`)).toHaveLength(1)
  })
})
