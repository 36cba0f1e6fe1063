import { inspect } from 'node:util'
import { put16, put32 } from '../struct'
import { check } from './check'
import type { FilterInstruction } from './opcodes'
import { print } from './print'

/** Bytes of a `struct sock_filter`, on every system. */
const INSTRUCTION = 8

/** A classic BPF program that the kernel would take: checked when it is made, immutable from then on. */
export class Program {
  /** The instructions as numbers; `bpf.disassemble` gives them names. */
  readonly instructions: readonly Readonly<FilterInstruction>[]

  /** @internal `bpf.assemble` and `bpf.parse` make one. */
  constructor(instructions: readonly FilterInstruction[]) {
    check(instructions)
    this.instructions = Object.freeze(instructions.map(each => Object.freeze(each)))
    Object.freeze(this)
  }

  /** How many instructions there are. */
  get length(): number {
    return this.instructions.length
  }

  /** `struct sock_filter[]`, in host byte order: a copy. */
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

  /** Whether both have the same instructions. */
  equals(other: Program): boolean {
    return other instanceof Program && this.bytes.equals(other.bytes)
  }

  /** The program as `tcpdump -d` prints it, which `bpf.parse` reads. */
  toString(): string {
    return print(this.instructions)
  }

  /** What util.inspect and console.log show. */
  [inspect.custom](): string {
    return `Program [${this.length}]\n${this.toString()}`
  }
}
