import { invalidType, outOfRange } from '../errors/argument'
import { assemble, type Instruction } from './assemble'
import { SKF_AD_OFF } from './opcodes'
import { extensionNames } from './print'
import type { Program } from './program'

/** Other names of the extensions that some programs use. */
const otherNames: Readonly<Record<string, (typeof extensionNames)[number]>> = {
  vlan_avail: 'vlanp',
  vlan_pr: 'vlanp',
  vlant: 'vlan_tci',
  rand: 'random',
}

/**
 * Parses a program. Accepts the output of `tcpdump -ddd` (the number of instructions, then `code jt jf k`), the
 * output of `tcpdump -dd` (C initializers), and assembly as in `tcpdump -d` and bpf_asm. An expression such as
 * `tcp port 80` is not a program: compile it with `tcpdump -ddd 'tcp port 80'` first.
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

/** Matches the start of an instruction in assembly, after its number and its label. */
const mnemonic =
  /^(?:\(\d+\)\s*)?(?:[A-Za-z_]\w*:\s*)?(?:(?:ld|st|j)\w*|ret|ta[xc]|txa|add|sub|mul|div|mod|neg|and|or|xor|[lr]sh)?(?:\s|$)/

/** Returns the error for an expression, which tcpdump must compile first. */
export function expression(argument: string, text: string): Error {
  const shown = text
    .trim()
    .slice(0, 60)
    .replaceAll("'", String.raw`'\''`)
  return outOfRange(argument, `a program: an expression is compiled by tcpdump -ddd '${shown}'`, text)
}

function parseNumbers(lines: readonly string[]): Program {
  // iptables and nfbpf_compile print one line, with commas.
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
    label = name ?? label // a label on a separate line belongs to the next instruction
    if (rest === '') continue
    list.push({ ...readInstruction(rest, list.length), ...(label === undefined ? {} : { label }) })
    label = undefined
  }
  if (label !== undefined) wrong(`${label}:`)
  return assemble(list)
}

/** Jumps that only assemblers have: each is another jump with `jt` and `jf` exchanged. */
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

/** Parses a jump target: a label, or the number of an instruction as in `tcpdump -d`. */
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
