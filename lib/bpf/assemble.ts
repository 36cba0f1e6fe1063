import { invalidType, outOfRange, checkInteger, elementsOf } from '../errors/argument'
import { ownFields } from '../runtime/fields'
import { byCode, find, opcodes, type Mode, type Opcode } from './opcodes'
import { Program } from './program'
import type { FilterInstruction } from './opcodes'

/** The target of a jump: a label, or the number of instructions to skip. Jumps only go forward. */
export type Target = string | number

/** An instruction by name, with the fields of `struct sock_filter` as operands. */
export type NamedInstruction = {
  /** A label, which jumps to this instruction use. */
  label?: string | undefined
} & (
  | { op: 'ld'; mode?: 'abs' | 'ind' | 'imm' | 'mem'; k: number }
  | { op: 'ld' | 'ldx'; mode: 'len' }
  | { op: 'ldh' | 'ldb'; mode?: 'abs' | 'ind'; k: number }
  | { op: 'ldx'; mode?: 'imm' | 'mem'; k: number }
  | { op: 'ldxb'; mode?: 'msh'; k: number }
  | { op: 'st' | 'stx'; k: number }
  | { op: Arithmetic; mode?: 'k'; k: number }
  | { op: Arithmetic; mode: 'x' }
  | { op: 'neg' | 'tax' | 'txa' }
  | { op: 'ja'; k: Target }
  | { op: 'jeq' | 'jgt' | 'jge' | 'jset'; mode?: 'k'; k: number; jt?: Target; jf?: Target }
  | { op: 'jeq' | 'jgt' | 'jge' | 'jset'; mode: 'x'; jt?: Target; jf?: Target }
  | { op: 'ret'; mode?: 'k'; k: number }
  | { op: 'ret'; mode: 'a' }
)

type Arithmetic = 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'or' | 'and' | 'xor' | 'lsh' | 'rsh'

/** An instruction for `bpf.assemble`: by name, or as numbers. */
export type Instruction =
  NamedInstruction | { label?: string | undefined; code: number; jt?: number; jf?: number; k?: number }

const names = [...new Set(opcodes.map(({ op }) => op))]

/** Assembles instructions to a program. */
export function assemble(instructions: readonly Instruction[]): Program {
  const list = elementsOf('instructions', instructions).map((each, i) => {
    if (typeof each !== 'object' || each === null) throw invalidType(`instructions[${i}]`, 'object', each)
    return ownFields(each as Record<string, unknown>)
  })
  const labels = readLabels(list)
  return new Program(list.map((each, i) => new Encoder(each, i, labels).encode()))
}

function readLabels(list: readonly Record<string, unknown>[]): Map<string, number> {
  const labels = new Map<string, number>()
  list.forEach(({ label }, i) => {
    if (label === undefined) return
    if (typeof label !== 'string') throw invalidType(`instructions[${i}].label`, 'string', label)
    if (labels.has(label))
      throw outOfRange(`instructions[${i}].label`, 'a label that no other instruction has', label)
    labels.set(label, i)
  })
  return labels
}

/** Encodes one instruction as numbers. */
class Encoder {
  readonly #argument: string

  constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly index: number,
    private readonly labels: ReadonlyMap<string, number>,
  ) {
    this.#argument = `instructions[${index}]`
  }

  encode(): FilterInstruction {
    const { op, code, jt = 0, jf = 0, k = 0 } = this.fields
    if (op !== undefined) return this.#named(this.#find(op))
    return {
      code: this.#number('code', code, 0, 0xffff),
      jt: this.#number('jt', jt, 0, 0xff),
      jf: this.#number('jf', jf, 0, 0xff),
      k: this.#word('k', k),
    }
  }

  #named({ code, op, k: wanted, branches }: Opcode): FilterInstruction {
    const { jt, jf, k } = this.fields
    if (!wanted) this.#refuse('k', op)
    if (!branches) {
      this.#refuse('jt', op)
      this.#refuse('jf', op)
    }
    return {
      code,
      jt: branches ? this.#target('jt', jt ?? 0, 0xff) : 0,
      jf: branches ? this.#target('jf', jf ?? 0, 0xff) : 0,
      k: !wanted ? 0 : op === 'ja' ? this.#target('k', k, 0xffffffff) : this.#word('k', k),
    }
  }

  #find(op: unknown): Opcode {
    const { mode } = this.fields
    if (typeof op !== 'string') throw invalidType(`${this.#argument}.op`, 'string', op)
    if (!names.includes(op)) throw outOfRange(`${this.#argument}.op`, `one of ${names.join(', ')}`, op)
    const found = find(op, mode as string | undefined)
    if (found !== undefined) return found
    const modes = opcodes.filter(each => each.op === op && each.mode !== undefined).map(each => each.mode)
    const range = modes.length === 0 ? 'absent' : `one of ${modes.join(', ')} for ${op}`
    throw outOfRange(`${this.#argument}.mode`, range, mode)
  }

  #refuse(field: string, op: string): void {
    const value = this.fields[field]
    if (value === undefined || value === 0) return
    const { mode } = this.fields
    const what = mode === undefined ? op : `${op} of mode ${mode as Mode}`
    throw outOfRange(`${this.#argument}.${field}`, `absent, since ${what} has none`, value)
  }

  #number(field: string, value: unknown, min: number, max: number): number {
    return checkInteger(`${this.#argument}.${field}`, value, min, max)
  }

  /** Returns 32 bits without a sign, as the kernel uses them. Negative values such as SKF_AD_OFF are accepted. */
  #word(field: string, value: unknown): number {
    return this.#number(field, value, -0x80000000, 0xffffffff) >>> 0
  }

  #target(field: string, value: unknown, max: number): number {
    if (typeof value !== 'string') return this.#number(field, value, 0, max)
    const at = this.labels.get(value)
    if (at === undefined || at <= this.index)
      throw outOfRange(`${this.#argument}.${field}`, 'the label of a later instruction', value)
    return this.#number(field, at - this.index - 1, 0, max)
  }
}

/**
 * Returns the instructions of a program by name. An instruction stays as numbers if a field that the kernel ignores
 * is not 0.
 */
export function disassemble(program: Program): Instruction[] {
  if (!(program instanceof Program)) throw invalidType('program', 'Program', program)
  return program.instructions.map(({ code, jt, jf, k }) => {
    const { op, mode, k: wanted, branches } = byCode.get(code)!
    if ((!wanted && k !== 0) || (!branches && (jt !== 0 || jf !== 0))) return { code, jt, jf, k }
    return {
      op,
      ...(mode === undefined ? {} : { mode }),
      ...(wanted ? { k } : {}),
      ...(branches ? { jt, jf } : {}),
    } as NamedInstruction
  })
}
