import { invalidType, outOfRange } from '../errors/argument'
import { assemble, type Instruction } from './assemble'
import { SKF_AD_OFF } from './opcodes'
import { extensionNames } from './print'
import type { Program } from './program'

/** What else programs call the extensions. */
const otherNames: Readonly<Record<string, (typeof extensionNames)[number]>> = {
  vlan_avail: 'vlanp',
  vlan_pr: 'vlanp',
  vlant: 'vlan_tci',
  rand: 'random',
}

/**
 * Reads a program: what `tcpdump -ddd` prints (the number of instructions, then `code jt jf k`), `tcpdump -dd`
 * (C initializers), or assembly as `tcpdump -d` and bpf_asm write it. `tcp port 80` is an expression, which
 * `tcpdump -ddd 'tcp port 80'` compiles.
 */
export function parse(text: string): Program {
  if (typeof text !== 'string') throw invalidType('text', 'string', text)
  const lines = text
    .replace(/\/\*[\s\S]*?\*\/|(?:;|\/\/).*$/gm, '')
    .split(/[\n\r\u2028\u2029]/)
    .map(each => each.trim())
    .filter(each => each !== '')
  if (lines[0]?.startsWith('{') === true) return parseInitializers(lines)
  if (/^\d+(,|$)/.test(lines[0] ?? '')) return parseNumbers(lines)
  if (lines.length === 1 && !mnemonic.test(lines[0]!)) throw expression('text', text)
  return parseAssembly(lines)
}

/** How an instruction begins in assembly, after its number and its label. */
const mnemonic =
  /^(?:\(\d+\)\s*)?(?:[A-Za-z_]\w*:\s*)?(?:(?:ld|st|j)\w*|ret|ta[xc]|txa|add|sub|mul|div|mod|neg|and|or|xor|[lr]sh)?(?:\s|$)/

/** The refusal of what tcpdump would have to compile first. */
export function expression(argument: string, text: string): Error {
  const shown = text
    .trim()
    .slice(0, 60)
    .replaceAll("'", String.raw`'\''`)
  return outOfRange(argument, `a program: an expression is compiled by tcpdump -ddd '${shown}'`, text)
}

function parseNumbers(lines: readonly string[]): Program {
  // iptables and nfbpf_compile write one line, with commas.
  const [count, ...rows] = lines.flatMap(each => each.split(',').map(part => part.trim())).filter(Boolean)
  if (Number(count) !== rows.length)
    throw outOfRange('text', `${count} instructions, as its first line says`, rows.length)
  return assemble(rows.map(row => numbers(row, /^(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/)))
}

function parseInitializers(lines: readonly string[]): Program {
  return assemble(lines.map(row => numbers(row, /^\{\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+)\s*\},?$/)))
}

function numbers(row: string, pattern: RegExp): Instruction {
  const [, code, jt, jf, k] = pattern.exec(row) ?? wrong(row)
  return { code: integer(code!, row), jt: integer(jt!, row), jf: integer(jf!, row), k: integer(k!, row) }
}

function parseAssembly(lines: readonly string[]): Program {
  const list: Instruction[] = []
  let label: string | undefined
  for (const line of lines) {
    const [, name, rest = ''] = /^(?:\(\d+\)\s*)?(?:([A-Za-z_]\w*):\s*)?(.*)$/.exec(line)!
    label = name ?? label // one on a line of its own is for the next
    if (rest === '') continue
    list.push({ ...readInstruction(rest, list.length), ...(label === undefined ? {} : { label }) })
    label = undefined
  }
  if (label !== undefined) wrong(`${label}:`)
  return assemble(list)
}

/** Tests that only assemblers have: the same with the ways exchanged. */
const opposites: Readonly<Record<string, string>> = { jne: 'jeq', jneq: 'jeq', jlt: 'jge', jle: 'jgt' }

function readInstruction(text: string, at: number): Instruction {
  const [, op = '', rest = ''] = /^(\w+)\s*(.*)$/.exec(text) ?? wrong(text)
  if (op === 'jmp' || op === 'ja') return { op: 'ja', k: target(rest, at, text) }
  if (op.startsWith('j')) return readJump(op, rest, at, text)
  return { op, ...readOperand(rest, text) } as Instruction
}

function readJump(op: string, rest: string, at: number, text: string): Instruction {
  const pattern = /^(#\s*[-\w]+|%?x)\s*(?:,?\s*(?:jt\s+)?(\w+))\s*(?:,?\s*(?:jf\s+)?(\w+))?$/
  const [, value = '', first = '', second] = pattern.exec(rest) ?? wrong(text)
  const operand = readOperand(value, text)
  const [yes, no] = [target(first, at, text), second === undefined ? 0 : target(second, at, text)]
  const opposite = opposites[op]
  return (
    opposite === undefined
      ? { op, ...operand, jt: yes, jf: no }
      : { op: opposite, ...operand, jt: no, jf: yes }
  ) as Instruction
}

/** A label, or the number of an instruction as `tcpdump -d` counts them. */
function target(text: string, at: number, line: string): string | number {
  if (/^[A-Za-z_]\w*$/.test(text)) return text
  return integer(text, line) - at - 1
}

function readOperand(text: string, line: string): object {
  const compact = text.replace(/\s+/g, '').replace('%', '')
  if (compact === '') return {}
  if (compact === 'x' || compact === 'a') return { mode: compact }
  const bare = compact.replace(/^#/, '')
  if (bare === 'pktlen' || bare === 'len') return { mode: 'len' }
  const extension = extensionOf(bare) ?? extensionOf(/^\[(\w+)\]$/.exec(compact)?.[1])
  if (extension !== undefined) return { mode: 'abs', k: extension }
  for (const [mode, pattern] of operands) {
    const found = pattern.exec(compact)
    if (found === null) continue
    const k = integer(found[1]!, line)
    if (mode === 'mem' && line.startsWith('st')) return { k }
    return mode === 'k' && line.startsWith('ld') ? { mode: 'imm', k } : { mode, k }
  }
  return wrong(line)
}

const operands: readonly [mode: string, pattern: RegExp][] = [
  ['ind', /^\[x(?:\+|(?=-))(-?\w+)\]$/],
  ['abs', /^\[(-?\w+)\]$/],
  ['mem', /^[Mm]\[(\w+)\]$/],
  ['msh', /^4\*\(\[([-\w]+)\]&0xf\)$/],
  ['k', /^#([-\w]+)$/],
]

function extensionOf(name: string | undefined): number | undefined {
  const index = (extensionNames as readonly (string | undefined)[]).indexOf(otherNames[name ?? ''] ?? name)
  return index < 0 ? undefined : SKF_AD_OFF + 4 * index
}

function integer(text: string, line: string): number {
  const value = text.startsWith('-') ? -Number(text.slice(1)) : Number(text)
  return Number.isInteger(value) ? value : wrong(line)
}

function wrong(line: string): never {
  throw outOfRange('text', 'instructions of classic BPF', line)
}
