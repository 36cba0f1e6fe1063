import { assemble, disassemble } from './assemble'
import { compile } from './compile'
import { parse } from './parse'
import { run } from './run'

export { Program } from './program'
export type { FilterInstruction } from './opcodes'
export type {} from './program'
export type { Instruction, NamedInstruction, Target } from './assemble'
export type { CompileOptions, FilterSyntaxError } from './compile'
export type { PacketInfo } from './run'

/**
 * Classic BPF: programs that select packets, for `openPacket`, SO_ATTACH_FILTER and similar options. Plain TypeScript,
 * which works on every system. Every program is checked as in the kernel; a RangeError names the wrong instruction.
 */
export const bpf = Object.freeze({
  /**
   * Assembles a program from instructions by name, with labels as jump targets.
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
  /**
   * Compiles an expression in the language of tcpdump, pcap-filter(7), such as `tcp and dst port 80`. The program accepts
   * the packets that the program of `tcpdump -ddd` accepts. Plain TypeScript, without libpcap.
   *
   * Throws a `SyntaxError` with the code `ERR_INVALID_ARG_VALUE` and the `position` in the text. Names of hosts are not
   * resolved; names of ports are those of `services`.
   *
   * @example
   * using packets = openPacket({ interface: 'eth0', filter: bpf.compile('tcp and dst port 80') })
   */
  compile,
  /** Returns the instructions of a program by name, in the form that `assemble` accepts. */
  disassemble,
  /** Parses the output of `tcpdump -ddd`, `-dd` or `-d`, or the assembly of bpf_asm. */
  parse,
  /** Runs a program on a packet in this process. Returns how many bytes it accepts; 0 rejects the packet. */
  run,
})
