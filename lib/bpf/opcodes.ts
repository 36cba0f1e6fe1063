/** One instruction in the form of the kernel, `struct sock_filter`. */
export interface FilterInstruction {
  code: number
  jt: number
  jf: number
  k: number
}

/*
 * The instructions of classic BPF, by number and by name. The numbers are a fixed part of the interface of every
 * kernel, so they are written here and work without the addon.
 */

/** The addressing mode of an instruction. */
export type Mode = 'abs' | 'ind' | 'imm' | 'mem' | 'len' | 'msh' | 'k' | 'x' | 'a'

/** One of the instructions that the kernel allows. */
export interface Opcode {
  readonly code: number
  readonly op: string
  /** The addressing mode; `undefined` if the instruction has only one. */
  readonly mode: Mode | undefined
  /** True if the instruction uses `k`. */
  readonly k: boolean
  /** True if the instruction uses `jt` and `jf`. */
  readonly branches: boolean
}

/** Special offsets of loads. From SKF_AD_OFF on, a load reads information about the packet instead of its bytes. */
export const SKF_AD_OFF = -0x1000
export const SKF_NET_OFF = -0x100000
export const SKF_LL_OFF = -0x200000

/** The values at SKF_AD_OFF, in the order of their numbers: `SKF_AD_PROTOCOL` is the first. */
export const ancillary = [
  'protocol',
  'pkttype',
  'ifindex',
  'nlattr',
  'nlattr_nest',
  'mark',
  'queue',
  'hatype',
  'rxhash',
  'cpu',
  'alu_xor_x',
  'vlan_tag',
  'vlan_tag_present',
  'pay_offset',
  'random',
  'vlan_tpid',
] as const satisfies readonly string[]

export const MEMWORDS = 16
export const MAXINSNS = 4096

const arithmetic = ['add', 'sub', 'mul', 'div', 'or', 'and', 'lsh', 'rsh', 'neg', 'mod', 'xor']
const jumps = ['ja', 'jeq', 'jgt', 'jge', 'jset']

function row(code: number, op: string, mode?: Mode): Opcode {
  const k = mode === undefined ? /^(st|stx|ja)$/.test(op) : !/^(len|x|a)$/.test(mode)
  return { code, op, mode, k, branches: /^j[^a]/.test(op) }
}

/** All instructions that `bpf_check_classic()` allows. The first entry of an `op` has the default mode. */
export const opcodes: readonly Opcode[] = [
  row(0x20, 'ld', 'abs'),
  row(0x40, 'ld', 'ind'),
  row(0x00, 'ld', 'imm'),
  row(0x60, 'ld', 'mem'),
  row(0x80, 'ld', 'len'),
  row(0x28, 'ldh', 'abs'),
  row(0x48, 'ldh', 'ind'),
  row(0x30, 'ldb', 'abs'),
  row(0x50, 'ldb', 'ind'),
  row(0x01, 'ldx', 'imm'),
  row(0x61, 'ldx', 'mem'),
  row(0x81, 'ldx', 'len'),
  row(0xb1, 'ldxb', 'msh'),
  row(0x02, 'st'),
  row(0x03, 'stx'),
  ...arithmetic.flatMap((op, i) =>
    op === 'neg' ? [row(0x84, op)] : [row(0x04 | (i << 4), op, 'k'), row(0x0c | (i << 4), op, 'x')],
  ),
  ...jumps.flatMap((op, i) =>
    op === 'ja' ? [row(0x05, op)] : [row(0x05 | (i << 4), op, 'k'), row(0x0d | (i << 4), op, 'x')],
  ),
  row(0x06, 'ret', 'k'),
  row(0x16, 'ret', 'a'),
  row(0x07, 'tax'),
  row(0x87, 'txa'),
]

export const byCode: ReadonlyMap<number, Opcode> = new Map(opcodes.map(each => [each.code, each]))

/** Returns the instruction of a name and a mode. Without a mode, returns the default one of that name. */
export function find(op: string, mode?: string): Opcode | undefined {
  return opcodes.find(each => each.op === op && (mode === undefined || each.mode === mode))
}
