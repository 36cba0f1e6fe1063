import { type ancillary, byCode, SKF_AD_OFF } from './opcodes'
import type { FilterInstruction } from './opcodes'

/** The names of the values at SKF_AD_OFF in tcpdump and bpf_asm. */
export const extensionNames = [
  'proto',
  'type',
  'ifidx',
  'nla',
  'nlan',
  'mark',
  'queue',
  'hatype',
  'rxhash',
  'cpu',
  'xor_x',
  'vlan_tci',
  'vlanp',
  'poff',
  'random',
  'vlan_tpid',
] as const satisfies readonly string[] & { length: typeof ancillary.length }

/** Formats a program as `tcpdump -d` does, one line for each instruction. */
export function print(instructions: readonly Readonly<FilterInstruction>[]): string {
  return instructions
    .map((each, i) => `(${String(i).padStart(3, '0')}) ${line(each, i)}`.trimEnd())
    .join('\n')
}

function line({ code, jt, jf, k }: FilterInstruction, i: number): string {
  const { op, mode, branches } = byCode.get(code)!
  const name = op.padEnd(8)
  if (op === 'ja') return `${name} ${i + 1 + k}`
  if (op === 'st' || op === 'stx') return `${name} M[${k}]`
  const text = `${name} ${operand(op, mode, k)}`
  return branches ? `${text.padEnd(24)} jt ${i + 1 + jt}\tjf ${i + 1 + jf}` : text
}

function operand(op: string, mode: string | undefined, k: number): string {
  switch (mode) {
    case 'abs':
      return `[${extension(k) ?? k | 0}]`
    case 'ind':
      return `[x + ${k | 0}]`
    case 'mem':
      return `M[${k}]`
    case 'len':
      return '#pktlen'
    case 'msh':
      return `4*([${k | 0}]&0xf)`
    case 'imm':
      return `#0x${k.toString(16)}`
    case 'k':
      return op === 'ret' || /sh$|div|mod|mul|add|sub/.test(op) ? `#${k}` : `#0x${k.toString(16)}`
    default:
      return mode ?? ''
  }
}

function extension(k: number): string | undefined {
  return extensionNames[(k - (SKF_AD_OFF >>> 0)) / 4]
}
