import type { Instruction } from '../../../lib/bpf'

/** Returns a seeded generator of random numbers, so that a failure can be repeated. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const arithmetic = ['add', 'sub', 'mul', 'div', 'mod', 'or', 'and', 'xor', 'lsh', 'rsh'] as const
const tests = ['jeq', 'jgt', 'jge', 'jset'] as const

/** Returns a random program that the kernel accepts: it stores memory before it loads it, and ends with a ret. */
export function randomProgram(below: (n: number) => number): Instruction[] {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  const number = (): number => pick([below(4), below(64), below(0x10000), below(2 ** 32), 0xffffffff])
  const size = 1 + below(30)
  const list: Instruction[] = [
    { op: 'ld', mode: 'imm', k: number() },
    { op: 'ldx', k: number() },
    { op: 'st', k: 1 },
    { op: 'stx', k: 15 },
  ]
  for (let left = size; left > 0; left--) {
    const ahead = (): number => below(Math.min(left, 256))
    const make: (() => Instruction)[] = [
      () => ({ op: 'ld', k: below(40) }),
      () => ({ op: pick(['ldh', 'ldb'] as const), k: below(40) }),
      () => ({ op: pick(['ld', 'ldh', 'ldb'] as const), mode: 'ind', k: below(8) }),
      () => ({ op: 'ldx', mode: pick(['imm', 'mem'] as const), k: pick([1, 15]) }),
      () => ({ op: 'ld', mode: 'mem', k: pick([1, 15]) }),
      () => ({ op: pick(['ld', 'ldx'] as const), mode: 'len' }),
      () => ({ op: 'ldxb', k: below(40) }),
      () => ({ op: pick(['st', 'stx'] as const), k: pick([1, 15]) }),
      () => ({ op: pick(arithmetic), mode: 'x' }),
      () => ({ op: pick(arithmetic), k: 1 + below(31) }),
      () => ({ op: pick(['add', 'sub', 'mul', 'or', 'and', 'xor'] as const), k: number() }),
      () => ({ op: pick(['neg', 'tax', 'txa'] as const) }),
      () => ({ op: 'ja', k: ahead() }),
      () => ({ op: pick(tests), k: number(), jt: ahead(), jf: ahead() }),
      () => ({ op: pick(tests), mode: 'x', jt: ahead(), jf: ahead() }),
      () => ({ op: 'ld', k: -0x1000 + 40 }), // SKF_AD_OFF + SKF_AD_ALU_XOR_X
    ]
    list.push(pick(make)())
  }
  return [
    ...list,
    pick<Instruction>([
      { op: 'ret', mode: 'a' },
      { op: 'ret', k: number() },
    ]),
  ]
}

export function randomBytes(below: (n: number) => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(4) * below(86)))
}
