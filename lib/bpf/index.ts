import { assemble, disassemble } from './assemble'
import { parse } from './parse'
import { run } from './run'

export { Program } from './program'
export type { FilterInstruction } from './opcodes'
export type {} from './program'
export type { Instruction, NamedInstruction, Target } from './assemble'
export type { PacketInfo } from './run'

/**
 * Classic BPF: programs that choose packets, for `openPacket`, SO_ATTACH_FILTER and its kin. Plain TypeScript,
 * on every system. Every program is checked as the kernel checks it; a RangeError names the instruction.
 */
export const bpf = Object.freeze({
  /**
   * A program of instructions by name, with labels to jump to:
   *
   * @example
   * bpf.assemble([
   *   { op: 'ldh', k: 12 },
   *   { op: 'jeq', k: ETH_P_ARP, jf: 'drop' },
   *   { op: 'ret', k: 0x40000 },
   *   { op: 'ret', k: 0, label: 'drop' },
   * ])
   */
  assemble,
  /** The instructions of a program, by name: what `assemble` takes. */
  disassemble,
  /** A program of the text that `tcpdump -ddd`, `-dd` or `-d` prints, or of bpf_asm's assembly. */
  parse,
  /** Runs a program over a packet in this process: the bytes that it accepts, 0 for none. */
  run,
})
