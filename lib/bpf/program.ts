import { inspect } from 'node:util'
import { put16, put32 } from '../struct'
import { check } from './check'
import type { FilterInstruction } from './opcodes'
import { print } from './print'

/** The size of a `struct sock_filter` in bytes, the same on every system. */
const INSTRUCTION = 8

/** A classic BPF program. It is checked when it is created, and immutable. */
export class Program {
  /** The instructions as numbers. `bpf.disassemble` returns them by name. */
  readonly instructions: readonly Readonly<FilterInstruction>[]

  /** @internal Called by `bpf.assemble` and `bpf.parse`. */
  constructor(instructions: readonly FilterInstruction[]) {
    check(instructions)
    this.instructions = Object.freeze(instructions.map(each => Object.freeze(each)))
    Object.freeze(this)
  }

  /** The number of instructions. */
  get length(): number {
    return this.instructions.length
  }

  /** A copy of the program as `struct sock_filter[]`, in host byte order. */
  get bytes(): Buffer {
    const bytes = Buffer.alloc(INSTRUCTION * this.length)
    this.instructions.forEach(({ code, jt, jf, k }, i) => {
      const at = INSTRUCTION * i
      put16(bytes, at, code)
      bytes[at + 2] = jt
      bytes[at + 3] = jf
      put32(bytes, at + 4, k)
    })
    return bytes
  }

  /** Returns true if both programs have the same instructions. */
  equals(other: Program): boolean {
    return other instanceof Program && this.bytes.equals(other.bytes)
  }

  /** Returns the program as `tcpdump -d` prints it. `bpf.parse` accepts this text. */
  toString(): string {
    return print(this.instructions)
  }

  /** Formats the program for util.inspect and console.log. */
  [inspect.custom](): string {
    return `Program [${this.length}]\n${this.toString()}`
  }
}
