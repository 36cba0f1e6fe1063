import { spawnSync } from 'node:child_process'
import { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket, bpf, options, type Program } from '../../lib'
import { runNodeAsNobody } from '../helpers/child'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { random, randomBytes, randomProgram } from '../unit/bpf/random'

/*
 * Compares bpf.run with the kernel. An AF_UNIX datagram socket runs its filter over each datagram, truncates it to the
 * length that the program returns, and drops it if that is 0.
 */
const linux = missing.linux()

/** Returns the number of bytes of each packet that the kernel lets through. */
function kernelRuns(program: Program, packets: readonly Buffer[]): number[] {
  const [sender, receiver] = Socket.pair(AF_UNIX, SOCK_DGRAM)
  try {
    receiver.set(options.SO_ATTACH_FILTER, program)
    return packets.map(packet => {
      sender.trySend(packet)
      return receiver.tryRecv(65536)?.length ?? 0
    })
  } finally {
    sender.close()
    receiver.close()
  }
}

/** Returns the same numbers by bpf.run. The protocol of AF_UNIX is 0. */
const ours = (program: Program, packets: readonly Buffer[]): number[] =>
  packets.map(packet => Math.min(packet.length, bpf.run(program, packet, { protocol: 0 })))

/** Returns an Ethernet frame with IPv4 and a TCP or UDP header. */
function ipFrame(
  protocol: number,
  from: number[],
  to: number[],
  ports: [number, number],
  vlan = false,
): Buffer {
  const tag = vlan ? [0x81, 0, 0x20, 5] : []
  const header = [0x45, 0, 0, 48, 0, 0, 0, 0, 64, protocol, 0, 0, ...from, ...to]
  const bytes = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tag, 8, 0, ...header]
  const transport = Buffer.alloc(28)
  transport.writeUInt16BE(ports[0], 0)
  transport.writeUInt16BE(ports[1], 2)
  transport.set([0x50, 0x12], 12)
  return Buffer.concat([Buffer.from(bytes), transport])
}

function frames(): Buffer[] {
  const below = random(3)
  const [a, b] = [
    [10, 0, 0, 1],
    [10, 0, 0, 2],
  ]
  const arp = Buffer.concat([
    Buffer.alloc(12, 0xff),
    Buffer.from('08060001080006040001', 'hex'),
    Buffer.alloc(40),
  ])
  const six = Buffer.concat([
    Buffer.alloc(12, 1),
    Buffer.from('86dd6000000000083aff', 'hex'),
    Buffer.alloc(40, 3),
  ])
  return [
    ipFrame(6, a, b, [1234, 80]),
    ipFrame(6, b, a, [80, 1234]),
    ipFrame(17, a, b, [53, 5353]),
    ipFrame(1, a, b, [0x0800, 0]),
    ipFrame(6, a, b, [22, 80], true),
    arp,
    six,
    ...[1, 13, 14, 20, 33].map(length => arp.subarray(0, length)),
    ...Array.from({ length: 40 }, () => randomBytes(below, 1 + below(100))),
  ]
}

const expressions = [
  '',
  'arp',
  'ip',
  'ip6 and icmp6',
  'tcp port 80',
  'tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)',
  'udp and not port 54',
  'host 10.0.0.1',
  'src net 10.0.0.0/24 and dst host 10.0.0.2',
  'icmp or arp',
  'ether host 02:00:00:00:00:01',
  'ether broadcast',
  'greater 60',
  'len <= 20',
  'ip[0] & 0xf != 5 or ip[8] < 100',
  'ip6[6] = 58',
  'portrange 20-100',
]
const tcpdump = linux ?? missing.program('tcpdump', '--version')

testIf(tcpdump, 'bpf.run and the kernel agree about the programs that tcpdump compiles', () => {
  const packets = frames()
  const accepted = new Map<string, number>()
  for (const expression of expressions) {
    const compiled = (form: string): string =>
      spawnSync('tcpdump', [form, '-s', '50', '-y', 'EN10MB', ...(expression === '' ? [] : [expression])], {
        encoding: 'utf8',
      }).stdout
    const program = bpf.parse(compiled('-ddd'))
    expect(bpf.parse(compiled('-d')).equals(program)).toBe(true)
    expect(bpf.parse(compiled('-dd')).equals(program)).toBe(true)
    expect(bpf.assemble(bpf.disassemble(program)).equals(program)).toBe(true)
    expect(String(program).replace(/\s+/g, ' ')).toBe(compiled('-d').trim().replace(/\s+/g, ' '))
    const kernel = kernelRuns(program, packets)
    expect(ours(program, packets)).toEqual(kernel)
    accepted.set(expression, kernel.filter(length => length > 0).length)
  }
  // Each expression except the empty one accepts some frames and drops others.
  const some = [...accepted].filter(([, n]) => n > 0 && n < packets.length).map(([name]) => name)
  expect(some).toEqual(expressions.slice(1))
})

testIf(linux, 'bpf.run and the kernel agree about random programs and random bytes', () => {
  const below = random(4)
  for (let i = 0; i < 400; i++) {
    const program = bpf.assemble(randomProgram(below))
    const packets = Array.from({ length: 8 }, () => randomBytes(below, 1 + below(50)))
    const kernel = kernelRuns(program, packets)
    const here = ours(program, packets)
    if (kernel.join() !== here.join())
      throw new Error(`${String(program)}\n${packets.map(p => p.toString('hex')).join()}`)
  }
})

testIf(linux, 'bpf.assemble refuses random instructions exactly if the kernel does', () => {
  const below = random(5)
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const codes = [
    0x20, 0x28, 0x30, 0x60, 0x80, 0x02, 0x03, 0x61, 0xb1, 0x05, 0x15, 0x1d, 0x45, 0x06, 0x16, 0x34, 0x64,
    0x07,
  ]
  const ks = [
    0, 1, 2, 3, 15, 16, 31, 32, 0xfffff000, 0xfffff03c, 0xfffff040, 0xfffff001, 0xffffffff, 0xfff00000,
  ]
  let [taken, refused] = [0, 0]
  try {
    for (let i = 0; i < 3000; i++) {
      const list = Array.from({ length: 1 + below(5) }, () => ({
        code: below(8) === 0 ? below(0x200) : codes[below(codes.length)]!,
        jt: below(3),
        jf: below(3),
        k: ks[below(ks.length)]!,
      }))
      if (below(2) === 0) list.push({ code: 6, jt: 0, jf: 0, k: 1 })
      const code = (call: () => unknown): string => {
        try {
          call()
          return 'taken'
        } catch (error) {
          return (error as { code: string }).code
        }
      }
      const here = code(() => bpf.assemble(list))
      const kernel = code(() => socket.set(options.SO_ATTACH_FILTER, list))
      if ((here === 'taken') !== (kernel === 'taken'))
        throw new Error(`${here} ${kernel} ${JSON.stringify(list)}`)
      if (here === 'taken') taken++
      else refused++
    }
  } finally {
    socket.close()
  }
  expect(taken).toBeGreaterThan(100)
  expect(refused).toBeGreaterThan(100)
})

testIf(linux, 'a filter can be read back, replaced, detached and locked', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const program = bpf.parse('ldh [0]\nret a')
  try {
    socket.set(options.SO_ATTACH_FILTER, program)
    expect(bpf.assemble(socket.get(options.SO_GET_FILTER)).equals(program)).toBe(true)
    socket.set(options.SO_ATTACH_FILTER, bpf.parse('ret #0'))
    expect(socket.get(options.SO_GET_FILTER)).toHaveLength(1)
    socket.set(options.SO_DETACH_FILTER, true)
    expect(socket.get(options.SO_GET_FILTER)).toEqual([])
    socket.set(options.SO_ATTACH_FILTER, program).set(options.SO_LOCK_FILTER, true)
    expect(thrown(() => socket.set(options.SO_DETACH_FILTER, true))).toMatchObject({ code: 'EPERM' })
  } finally {
    socket.close()
  }
})

testIf(linux, 'SO_ATTACH_REUSEPORT_CBPF selects the socket', () => {
  const open = (port: number): Socket =>
    new Socket(AF_INET, SOCK_DGRAM).set(options.SO_REUSEPORT, true).bind(['127.0.0.1', port])
  const first = open(0)
  const { port } = first.getsockname() as { port: number }
  const group = [first, open(port), open(port)]
  const sender = new Socket(AF_INET, SOCK_DGRAM)
  try {
    // The program selects by the first byte of the datagram.
    first.set(options.SO_ATTACH_REUSEPORT_CBPF, bpf.parse('ldb [0]\nret a'))
    for (const [number, socket] of group.entries()) {
      for (let i = 0; i < 5; i++) sender.trySendto(Buffer.of(number), ['127.0.0.1', port])
      expect(Array.from({ length: 6 }, () => socket.tryRecv(10)?.[0])).toEqual([
        ...Array<number>(5).fill(number),
        undefined,
      ])
    }
  } finally {
    for (const socket of [...group, sender]) socket.close()
  }
})

testIf(
  missing.setpriv(),
  'an unprivileged process may attach a filter to UDP, and for TCP the error names the capability',
  async () => {
    const { stdout, stderr } = await runNodeAsNobody(`
    const program = c.bpf.parse('ret #1')
    new Socket(c.AF_INET, c.SOCK_DGRAM).set(c.options.SO_ATTACH_FILTER, program).close()
    const stream = new Socket(c.AF_INET, c.SOCK_STREAM)
    try {
      stream.set(c.options.SO_ATTACH_FILTER, program)
      console.log('taken')
    } catch (error) {
      console.log(error.message)
    }
    stream.close()`)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^(taken|setsockopt EPERM SO_ATTACH_FILTER \(.*CAP_NET_ADMIN.*\))\n$/)
  },
)

testIf(linux, 'a stream takes a filter, or refuses it with EPERM', () => {
  const socket = new Socket(AF_INET, SOCK_STREAM)
  try {
    socket.set(options.SO_ATTACH_FILTER, [{ code: 6, jt: 0, jf: 0, k: 0xffffffff }])
    expect(socket.get(options.SO_GET_FILTER)).toHaveLength(1)
  } catch (error) {
    expect(error).toMatchObject({ code: 'EPERM' })
  } finally {
    socket.close()
  }
})
