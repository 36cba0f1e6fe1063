import { invalidType, outOfRange } from '../errors/argument'
import { assemble, type Instruction } from './assemble'
import { parseAssembly, withoutComments } from './assembly'
import type { Program } from './program'

/**
 * Parses a program. Accepts the output of `tcpdump -ddd` (the number of instructions, then `code jt jf k`), the
 * output of `tcpdump -dd` (C initializers), and assembly as in `tcpdump -d` and bpf_asm. An expression such as
 * `tcp port 80` is not a program: `bpf.compile` makes one of it.
 */
export function parse(text: string): Program {
  if (typeof text !== 'string') throw invalidType('text', 'string', text)
  const code = withoutComments(text)
  const lines = code
    .split(/[\n\r\u2028\u2029]/)
    .map(each => each.trim())
    .filter(each => each !== '')
  if (lines[0]?.startsWith('{') === true) return parseInitializers(lines)
  if (/^\d+(,|$)/.test(lines[0] ?? '')) return parseNumbers(lines)
  if (lines.length === 1 && !mnemonic.test(lines[0]!)) throw expression('text', text)
  return assemble(parseAssembly(code, wrong))
}

/** Matches the start of an instruction in assembly, after its number and its label. */
const mnemonic =
  /^(?:\(\d+\)\s*)?(?:[A-Za-z_]\w*:\s*)?(?:(?:ld|st|j)\w*|ret|ta[xc]|txa|add|sub|mul|div|mod|neg|and|or|xor|[lr]sh)?(?:\s|$)/i

/** Returns the error for an expression, which must be compiled first. */
function expression(argument: string, text: string): Error {
  const shown = JSON.stringify(text.trim().slice(0, 60))
  return outOfRange(argument, `a program: an expression is compiled by bpf.compile(${shown})`, text)
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

function integer(text: string, line: string): number {
  const value = text.startsWith('-') ? -Number(text.slice(1)) : Number(text)
  return Number.isInteger(value) ? value : wrong(line)
}

function wrong(line: string): never {
  throw outOfRange('text', 'instructions of classic BPF', line)
}
