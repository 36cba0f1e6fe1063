import assert from 'node:assert'
import { spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { bpf, type CompileOptions, type PacketInfo, type Program } from '../../lib/bpf'
import { describeIf, missing } from '../helpers/need'
import { expressions } from '../unit/bpf/expressions'
import { cooked, frame, packet } from '../unit/bpf/packets'
import { random } from '../unit/bpf/random'
import { holds, orRefused } from './check'

/*
 * Compares the programs of bpf.compile with those of tcpdump, which libpcap compiles. BSD_SOCKETS_RUNS is the number of
 * random packets for each expression, BSD_SOCKETS_SEED chooses other packets.
 */
const { BSD_SOCKETS_RUNS: runs = '500', BSD_SOCKETS_SEED: seed = '1' } = process.env

/** How to call tcpdump: without a device, for a link type; or for a device of a network namespace. */
const without = (link: string): string[] => ['tcpdump', '-y', link]
const onDevice = ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec tcpdump -i lo "$@"', 'sh']

/** Compiles an expression with tcpdump; `undefined` if tcpdump refuses it, or if a kernel would refuse its program. */
function theirs(
  [command = '', ...before]: string[],
  expression: string,
  ...options: string[]
): Program | undefined {
  const args = [...before, ...options, '-ddd', '--', expression]
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return orRefused(() => bpf.parse(stdout))
  return stderr.includes('expression rejects all packets') ? bpf.parse('ret #0') : undefined
}

/** A packet in the forms that the two programs take it. */
interface Packet {
  own: Buffer
  info: PacketInfo
  theirs: Buffer
}

/** Compares the verdicts of both programs over packets. If tcpdump refuses an expression, bpf.compile must do so too. */
function compare(
  expression: string,
  command: string[],
  options: CompileOptions,
  packets: readonly Packet[],
): void {
  const other = theirs(command, expression)
  if (other === undefined) {
    expect(() => bpf.compile(expression, options)).toThrow(SyntaxError)
    return
  }
  const own = bpf.compile(expression, options)
  let plain: Program | undefined
  for (const { own: bytes, info, theirs: whole } of packets) {
    const verdict = bpf.run(own, bytes, info)
    let expected = bpf.run(other, whole, info)
    if (verdict !== expected && options.metadata === true) {
      // The optimizer does not change programs with metadata. A short packet is judged as without tcpdump's optimizer.
      plain ??= theirs(command, expression, '-O')!
      expected = bpf.run(plain, whole, info)
    }
    if (verdict === expected) continue
    const [hex, text] = [whole.toString('hex'), String(own)]
    expect({ expression, hex, text, verdict }).toEqual({ expression, hex, text, verdict: expected })
  }
}

function many(make: (below: (n: number) => number) => Packet): Packet[] {
  const below = random(Number(seed))
  return Array.from({ length: Number(runs) }, () => make(below))
}

/** The metadata of a packet, besides its type. */
const about = (below: (n: number) => number): PacketInfo => ({ pkttype: below(5), ifindex: below(5) })
const tcpdump = missing.program('tcpdump', '--version')

describeIf(tcpdump, 'a program accepts what the program of tcpdump -ddd accepts', () => {
  const frames = many(below => {
    const bytes = frame(below)
    return { own: bytes, info: about(below), theirs: bytes }
  })
  const packets = many(below => {
    const bytes = packet(below)
    return { own: bytes, info: about(below), theirs: bytes }
  })
  // The header of a cooked capture, LINKTYPE_LINUX_SLL: a packet socket has its fields in the metadata.
  const headless = many(below => {
    const { type, bytes } = cooked(below)
    const info = { ...about(below), protocol: type }
    const header = Buffer.alloc(16)
    header.writeUInt16BE(info.pkttype!, 0)
    header.writeUInt16BE(type, 14)
    return { own: bytes, info, theirs: Buffer.concat([header, bytes]) }
  })

  test.each(expressions)('over Ethernet: %s', expression =>
    compare(expression, without('EN10MB'), {}, frames),
  )
  test.each(expressions)('over IP: %s', expression =>
    compare(expression, without('RAW'), { link: 'raw' }, packets),
  )

  // The length is that of the packet without a header. The header cannot be loaded, not even as ip[-2].
  const headerless = expressions.filter(
    each => !/\b(?:len|length|less|greater|(?:ether|link)\[)|ip\[-2/.test(each),
  )
  test.each(headerless)('over cooked packets: %s', expression =>
    compare(expression, without('LINUX_SLL'), { link: 'cooked' }, headless),
  )
})

const device =
  tcpdump ?? missing.namespace() ?? missing.program(onDevice[0]!, ...onDevice.slice(1), '-ddd', 'ip')

describeIf(device, 'a program with metadata accepts what the program of tcpdump -ddd -i accepts', () => {
  /** Half of the frames are as the kernel has them: without the tag. */
  const frames = many(below => {
    const bytes = frame(below)
    const info = about(below)
    if (below(2) === 0 || bytes.length < 18 || ![0x8100, 0x88a8].includes(bytes.readUInt16BE(12)))
      return { own: bytes, info, theirs: bytes }
    const removed = Buffer.concat([bytes.subarray(0, 12), bytes.subarray(16)])
    return { own: removed, info: { ...info, vlan_tag: bytes.readUInt16BE(14) }, theirs: removed }
  })
  const more = [
    'vlan and tcp[((tcp[12] & 0xf0) >> 2):2] > 5',
    'vlan and ip[ip[0] & 0xf] > 9',
    'vlan 5 or tcp port 80',
  ]

  // The program of tcpdump for this one loads a word of memory that it has not stored.
  const some = expressions.filter(each => each.includes('vlan') && !each.includes('pppoes'))
  test.each([...some, ...more, 'tcp', 'host 10.0.0.1'])('%s', expression =>
    compare(expression, onDevice, { metadata: true }, frames),
  )
})

const words = [
  'src', 'dst', 'host', 'net', 'mask', 'port', 'portrange', 'proto', 'gateway', 'less', 'greater', 'broadcast',
  'multicast', 'and', 'or', 'not', '&&', '||', '!', 'len', 'inbound', 'vlan', 'mpls', 'pppoes', 'pppoed', 'llc', 'rnr',
  'ip', 'ip6', 'arp', 'tcp', 'udp', 'icmp', 'icmp6', 'ether', 'iso', 'isis', 'l1', 'ipx', 'atalk', '(', ')', '[', ']',
  ':', '/', '+', '-', '*', '%', '&', '|', '^', '<<', '>>', '<', '<=', '=', '==', '!=', '0', '1', '2', '4', '80', '0x10',
  '4294967295', '10.0.0.1', '10.1', '::1', 'fe80::', '1:2:3:4:5:6', '80-443', 'http', '\\tcp', 'tcp-syn', 'tcpflags',
  'tcp port 80', 'ip[0]', 'host 1.2.3.4', '(', 'constructor', '__proto__', 'toString', '\u2028', '\0', '💥', '\ud800',
] // prettier-ignore

const text = fc.array(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...words) }, fc.string({ maxLength: 4 })),
  {
    maxLength: 20,
  },
)

test('random text is refused with a SyntaxError or compiles', () => {
  const link = fc.constantFrom('ethernet', 'cooked', 'raw')
  const some = fc.tuple(fc.oneof(text.map(all => all.join(' ')), text.map(all => all.join('')), fc.string()), link, fc.boolean()) // prettier-ignore
  holds(some, ([expression, link, metadata]) => {
    const options = { link, metadata } as CompileOptions
    const made = orRefused(() => bpf.compile(expression, options), ['ERR_INVALID_ARG_VALUE'])
    if (made === undefined) return
    assert.ok(bpf.run(made, Buffer.alloc(60)) <= 262144)
    expect(bpf.parse(String(made)).equals(made)).toBe(true)
  })
})

describeIf(tcpdump, 'tcpdump', () => {
  test('tcpdump and bpf.compile agree about random text', () => {
    const frames = many(below => {
      const bytes = frame(below)
      return { own: bytes, info: {}, theirs: bytes }
    }).slice(0, 100)
    holds(text.map(all => all.slice(0, 8).join(' ').replaceAll('\0', '')), expression => {
      const other = theirs(without('EN10MB'), expression)
      const made = orRefused(() => bpf.compile(expression), ['ERR_INVALID_ARG_VALUE'])
      if (other !== undefined && made !== undefined) compare(expression, without('EN10MB'), {}, frames)
    }) // prettier-ignore
  })
})
