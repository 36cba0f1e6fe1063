// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
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
  bpf.compile('tcp port 80', { link: 'cooked', snaplen: 96, metadata: true, services: { http: 80 } })
  // @ts-expect-error unknown link type
  bpf.compile('tcp port 80', { link: 'wifi' })
  // @ts-expect-error the expression is missing
  bpf.compile()
  // @ts-expect-error unknown instruction
  bpf.assemble([{ op: 'nop' }])
  // @ts-expect-error scratch memory has no half words
  bpf.assemble([{ op: 'ldh', mode: 'mem', k: 1 }])
  // @ts-expect-error the operand of the load is missing
  bpf.assemble([{ op: 'ldb' }])
  const program = bpf.parse('ret #0')
  // @ts-expect-error programs are read-only
  program.instructions[0].k = 1
  return program
}

export async function frames(program: Program): Promise<Frame> {
  new Socket().set(options.SO_ATTACH_FILTER, program).set(options.SO_ATTACH_FILTER, program.instructions)
  // @ts-expect-error text must be parsed first
  new Socket().set(options.SO_ATTACH_FILTER, 'ret #0')
  // @ts-expect-error the interface is missing
  openPacket({ filter: program })
  // @ts-expect-error unknown mode
  openPacket({ interface: 'eth0', fanout: { mode: 'best' } })
  const socket = openPacket({ interface: 'eth0', filter: program })
  for await (const frame of socket.frames({ timeout: 1 })) {
    const time: bigint = frame.timestamp
    // @ts-expect-error the tag is optional
    const tag: number = frame.vlan.id
    if (tag > 0) return { ...frame, timestamp: time }
  }
  return socket.receive()
}
