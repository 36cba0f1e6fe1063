import { outOfRange } from '../errors/argument'
import { ancillary, byCode, MAXINSNS, MEMWORDS, SKF_AD_OFF } from './opcodes'
import type { FilterInstruction } from './opcodes'

/**
 * Checks a program as `bpf_check_classic()` of the kernel's net/core/filter.c does. The kernel only returns EINVAL; the
 * RangeError of this function names the instruction.
 */
export function check(instructions: readonly FilterInstruction[]): void {
  const { length } = instructions
  if (length < 1 || length > MAXINSNS)
    throw outOfRange('instructions.length', `>= 1 && <= ${MAXINSNS}`, length)
  instructions.forEach((each, i) => checkOne(each, i, length))
  const last = instructions[length - 1]!
  if (byCode.get(last.code)!.op !== 'ret')
    throw outOfRange(`instructions[${length - 1}]`, 'a ret, because it is the last instruction', last)
  checkMemory(instructions)
}

function checkOne({ code, jt, jf, k }: FilterInstruction, i: number, length: number): void {
  const argument = `instructions[${i}]`
  const found = byCode.get(code)
  if (found === undefined)
    throw outOfRange(`${argument}.code`, 'an instruction of classic BPF', `0x${code.toString(16)}`)
  const { op, mode } = found
  const left = length - i - 1 // instructions after this one
  if (found.branches) {
    if (jt >= left) throw outOfRange(`${argument}.jt`, `< ${left}, within the program`, jt)
    if (jf >= left) throw outOfRange(`${argument}.jf`, `< ${left}, within the program`, jf)
  } else if (op === 'ja') {
    if (k >= left) throw outOfRange(`${argument}.k`, `< ${left}, within the program`, k)
  } else if (mode === 'k' && (op === 'div' || op === 'mod')) {
    if (k === 0) throw outOfRange(`${argument}.k`, 'a divisor other than 0', k)
  } else if (mode === 'k' && (op === 'lsh' || op === 'rsh')) {
    if (k >= 32) throw outOfRange(`${argument}.k`, '< 32, the number of bits in a word', k)
  } else if (usesMemory(code)) {
    if (k >= MEMWORDS) throw outOfRange(`${argument}.k`, `< ${MEMWORDS}, the number of words of memory`, k)
  } else if (mode === 'abs' && k >= SKF_AD_OFF >>> 0) {
    const which = k - (SKF_AD_OFF >>> 0)
    const last = (ancillary.length - 1) * 4
    if (which > last || which % 4 !== 0)
      throw outOfRange(`${argument}.k`, 'an offset or SKF_AD_OFF + SKF_AD_*', k)
  }
}

function usesMemory(code: number): boolean {
  const { op, mode } = byCode.get(code)!
  return mode === 'mem' || op === 'st' || op === 'stx'
}

/** Checks that every path that reads a word of memory has stored it before. */
function checkMemory(instructions: readonly FilterInstruction[]): void {
  const everything = 0xffff
  const valid = new Uint16Array(instructions.length).fill(everything)
  let stored = 0
  instructions.forEach(({ code, jt, jf, k }, i) => {
    const { op, mode, branches } = byCode.get(code)!
    stored &= valid[i]!
    if (op === 'st' || op === 'stx') {
      stored |= 1 << k
    } else if (mode === 'mem') {
      if ((stored & (1 << k)) === 0)
        throw outOfRange(`instructions[${i}].k`, 'a word of memory that every path has stored before', k)
    } else if (branches || op === 'ja') {
      for (const skip of branches ? [jt, jf] : [k]) valid[i + 1 + skip]! &= stored
      stored = everything
    }
  })
}
