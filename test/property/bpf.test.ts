import assert from 'node:assert'
import * as fc from 'fast-check'
import { bpf } from '../../lib/bpf'
import { Program } from '../../lib/bpf'
import { random, randomProgram } from '../unit/bpf/random'
import { anyBytes, bytesOf, decodesAlone, detached, holds, orRefused, spoiled, u16, u32, u8 } from './check'

const codes = ['ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG_TYPE']
const program = u32.map(seed => bpf.assemble(randomProgram(random(seed))))

/** Returns the instructions of `struct sock_filter[]`. */
function numbers(bytes: Uint8Array): { code: number; jt: number; jf: number; k: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
  return Array.from({ length: bytes.length >> 3 }, (_, i) => ({
    code: view.getUint16(8 * i, little),
    jt: view.getUint8(8 * i + 2),
    jf: view.getUint8(8 * i + 3),
    k: view.getUint32(8 * i + 4, little),
  }))
}

test('a program can be restored from its text, its names, its numbers and its bytes', () => {
  holds(program, made => {
    expect(bpf.parse(String(made)).equals(made)).toBe(true)
    expect(bpf.assemble(bpf.disassemble(made)).equals(made)).toBe(true)
    expect(bpf.assemble(numbers(made.bytes)).equals(made)).toBe(true)
    const rows = made.instructions.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)
    expect(bpf.parse([made.length, ...rows].join('\n')).equals(made)).toBe(true)
  })
})

test('a damaged program is refused, or runs to an end over any packet', () => {
  const some = fc.tuple(spoiled(program.map(each => each.bytes)), anyBytes)
  holds(some, ([bytes, packet]) => {
    const made = orRefused(() => bpf.assemble(numbers(bytes)), codes)
    if (made === undefined) return
    const info = { random: 7 }
    const accepted = decodesAlone(packet, each => bpf.run(made, each, info))
    assert.ok(Number.isInteger(accepted) && accepted >= 0 && accepted <= 0xffffffff)
    expect(bpf.parse(String(made)).bytes.length).toBe(made.bytes.length)
  })
})

test('random instructions are refused with a code or assemble', () => {
  const instruction = fc.record({ code: fc.oneof(u8, u16), jt: u8, jf: u8, k: fc.oneof(fc.nat(20), u32) })
  const named = fc.record(
    {
      op: fc.constantFrom('ld', 'ldh', 'ldx', 'ldxb', 'st', 'add', 'lsh', 'neg', 'ja', 'jeq', 'ret', 'constructor', 'tax'),
      mode: fc.constantFrom('abs', 'ind', 'imm', 'mem', 'len', 'msh', 'k', 'x', 'a', 'toString'),
      k: fc.oneof(fc.nat(20), fc.constantFrom('a', 'b')),
      jt: fc.oneof(fc.nat(3), fc.constantFrom('a', 'b')),
      jf: fc.nat(3),
      label: fc.constantFrom('a', 'b'),
    },
    { requiredKeys: ['op'] },
  ) // prettier-ignore
  const list = fc.array(fc.oneof(instruction, named, fc.anything()), { maxLength: 8 })
  const end = { op: 'ret', k: 1 }
  holds(list, instructions => {
    const made = orRefused(() => bpf.assemble([...instructions, end] as never), codes)
    if (made !== undefined) expect(bpf.assemble(bpf.disassemble(made))).toBeInstanceOf(Program)
  })
})

test('random text is refused with a code or parses to a program', () => {
  const word = fc.constantFrom(
    'ld', 'ldh', 'ldb', 'ldx', 'ldxb', 'st', 'jeq', 'jne', 'jmp', 'ret', 'add', 'x', 'a', '#1', '#-1', '#0x10', '[12]',
    '[x + 4]', 'M[3]', '4*([14]&0xf)', 'l:', 'l', 'jt', 'jf', '3', '(000)', ',', ';', '\n', '{ 0x28,', '0, 0,', '},', '/*',
    '*/', '//', 'proto', 'vlanp', 'constructor', '__proto__', '\u2028',
  ) // prettier-ignore
  const text = fc
    .array(fc.oneof(word, fc.string({ maxLength: 4 })), { maxLength: 30 })
    .map(all => all.join(' '))
  holds(
    fc.oneof(
      text,
      text.map(each => `${each}\nl: ret #0`),
      fc.string(),
    ),
    each => {
      const made = orRefused(() => bpf.parse(each), codes)
      if (made !== undefined) expect(bpf.parse(String(made)).equals(made)).toBe(true)
    },
  )
})

test('a packet in detached memory counts as empty', () => {
  holds(fc.tuple(program, bytesOf(1)), ([made]) => {
    expect(bpf.run(made, detached(40), { random: 7 })).toBe(bpf.run(made, Buffer.alloc(0), { random: 7 }))
  })
})
