import { spawnSync } from 'node:child_process'
import { bpf, type CompileOptions, type PacketInfo, type Program } from '../../lib/bpf'
import { expressions } from '../unit/bpf/expressions'
import { cooked, frame, packet } from '../unit/bpf/packets'
import { random } from '../unit/bpf/random'

/*
 * Compares the programs of bpf.compile with those of tcpdump, which libpcap compiles. BSD_SOCKETS_RUNS is the number of
 * random packets for each expression, BSD_SOCKETS_SEED chooses other packets.
 */
const { BSD_SOCKETS_RUNS: runs = '500', BSD_SOCKETS_SEED: seed = '1' } = process.env

const [command = '', ...before] = ['tcpdump']
const missing = spawnSync(command, ['--version']).error !== undefined
if (missing) console.log('skipped: bpf.compile against tcpdump, because tcpdump is not installed')
const peer = missing ? test.skip.each : test.each

/** Compiles an expression with tcpdump; `undefined` if tcpdump refuses it. */
function theirs(expression: string, link: string, ...options: string[]): Program | undefined {
  const args = [...before, '-y', link, ...options, '-ddd', '--', expression]
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return bpf.parse(stdout)
  if (stderr.includes('expression rejects all packets')) return bpf.parse('ret #0')
  return undefined
}

/** A packet in the forms that the two programs take it. */
interface Packet {
  own: Buffer
  info: PacketInfo
  theirs: Buffer
}

/** Compares the verdicts of both programs over packets. */
function compare(expression: string, link: string, options: CompileOptions, packets: readonly Packet[]): void {
  const own = bpf.compile(expression, options)
  const other = theirs(expression, link)
  if (other === undefined) throw new Error('tcpdump refuses the expression')
  let plain: Program | undefined
  let [yes, differences] = [0, 0]
  for (const { own: bytes, info, theirs: whole } of packets) {
    const verdict = bpf.run(own, bytes, info)
    if (verdict !== 0) yes++
    if (verdict === bpf.run(other, whole, info)) continue
    // Where tcpdump's optimizer changes what its own program accepts, the program before the optimizer counts.
    plain ??= theirs(expression, link, '-O')!
    const hex = whole.toString('hex')
    expect({ expression, hex, verdict }).toEqual({ expression, hex, verdict: bpf.run(plain, whole, info) })
    differences++
  }
  if (process.env['BSD_SOCKETS_VERBOSE'] !== undefined) process.stdout.write(`${expression}: ${yes} ${differences} ${own.length} ${other.length}\n`)
}

function many(make: (below: (n: number) => number) => Packet): Packet[] {
  const below = random(Number(seed))
  return Array.from({ length: Number(runs) }, () => make(below))
}

describe('a program accepts what the program of tcpdump -ddd accepts', () => {
  const frames = many(below => {
    const bytes = frame(below)
    const info = { pkttype: below(5), ifindex: below(5) }
    return { own: bytes, info, theirs: bytes }
  })

  peer(expressions)('over Ethernet: %s', expression => {
    compare(expression, 'EN10MB', {}, frames)
  })
})
