// Compiled by types.test.ts, never run: a line below @ts-expect-error has to be refused.
import { Socket, bpf, openPacket, options, type Frame, type Program } from '../../lib'

export function programs(): Program {
  bpf.assemble([
    { op: 'ldh', k: 12 },
    { op: 'ld', mode: 'len' },
    { op: 'jeq', k: 0x806, jt: 'yes', jf: 1 },
    { op: 'jgt', mode: 'x', jf: 'yes' },
    { code: 0x16 },
    { op: 'ret', k: 1, label: 'yes' },
  ])
  // @ts-expect-error no such instruction
  bpf.assemble([{ op: 'nop' }])
  // @ts-expect-error half words are not kept in memory
  bpf.assemble([{ op: 'ldh', mode: 'mem', k: 1 }])
  // @ts-expect-error what is loaded is missing
  bpf.assemble([{ op: 'ldb' }])
  const program = bpf.parse('ret #0')
  // @ts-expect-error programs do not change
  program.instructions[0].k = 1
  return program
}

export async function frames(program: Program): Promise<Frame> {
  new Socket().set(options.SO_ATTACH_FILTER, program).set(options.SO_ATTACH_FILTER, program.instructions)
  // @ts-expect-error text is to be parsed first
  new Socket().set(options.SO_ATTACH_FILTER, 'ret #0')
  // @ts-expect-error the interface is missing
  openPacket({ filter: program })
  // @ts-expect-error no such mode
  openPacket({ interface: 'eth0', fanout: { mode: 'best' } })
  const socket = openPacket({ interface: 'eth0', filter: program })
  for await (const frame of socket.frames({ timeout: 1 })) {
    const time: bigint = frame.timestamp
    // @ts-expect-error a frame need not have a tag
    const tag: number = frame.vlan.id
    if (tag > 0) return { ...frame, timestamp: time }
  }
  return socket.receive()
}
