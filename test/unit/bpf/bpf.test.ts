import { inspect } from 'node:util'
import { bpf, Program, type Instruction } from '../../../lib/bpf'
import { ancillary, opcodes, SKF_AD_OFF, SKF_LL_OFF, SKF_NET_OFF } from '../../../lib/bpf/opcodes'
import { constants } from '../../../lib/constants'
import { random, randomBytes, randomProgram } from './random'

const arp = '4\n40 0 0 12\n21 0 1 2054\n6 0 0 262144\n6 0 0 0\n'
const drop: Instruction = { op: 'ret', k: 0 }
const accept: Instruction = { op: 'ret', k: 0x40000 }

/** Returns the result of a program: its last instruction returns A. */
const result = (before: Instruction[], packet: Buffer = Buffer.alloc(0), info = {}): number =>
  bpf.run(bpf.assemble([...before, { op: 'ret', mode: 'a' }]), packet, info)

const ethernet = (protocol: number, size = 60): Buffer => {
  const frame = Buffer.alloc(size)
  frame.writeUInt16BE(protocol, 12)
  return frame
}

describe('the numbers', () => {
  const c = constants as Readonly<Record<string, number>>

  test('the numbers of the instructions are those of <linux/filter.h>', () => {
    if (process.platform !== 'linux') return
    expect([SKF_AD_OFF, SKF_NET_OFF, SKF_LL_OFF]).toEqual([
      c['SKF_AD_OFF'],
      c['SKF_NET_OFF'],
      c['SKF_LL_OFF'],
    ])
    ancillary.forEach((name, i) => expect(c[`SKF_AD_${name.toUpperCase()}`]).toBe(4 * i))
    expect(opcodes.find(({ op, mode }) => op === 'ldh' && mode === 'ind')!.code).toBe(
      c['BPF_LD']! | c['BPF_H']! | c['BPF_IND']!,
    )
  })

  test('no two instructions have the same number', () => {
    expect(new Set(opcodes.map(({ code }) => code)).size).toBe(opcodes.length)
  })
})

describe('parse', () => {
  test('parse reads the output of tcpdump -ddd', () => {
    const program = bpf.parse(arp)
    expect(program).toHaveLength(4)
    expect(program.instructions[1]).toEqual({ code: 21, jt: 0, jf: 1, k: 2054 })
    expect(bpf.run(program, ethernet(0x0806))).toBe(262144)
    expect(bpf.run(program, ethernet(0x0800))).toBe(0)
  })

  test.each([
    [
      'tcpdump -dd',
      '{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000806 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },',
    ],
    [
      'tcpdump -d',
      '(000) ldh      [12]\n(001) jeq      #0x806           jt 2\tjf 3\n(002) ret      #262144\n(003) ret      #0',
    ],
    ['bpf_asm', '  ldh [12]  ; the type\n  jne #0x806, drop\n  ret #262144\ndrop: ret #0'],
    ['one line with commas', '4,40 0 0 12,21 0 1 2054,6 0 0 262144,6 0 0 0'],
    ['its own text', String(bpf.parse(arp))],
  ])('parse reads the output of %s', (_form, text) => {
    expect(bpf.parse(text).equals(bpf.parse(arp))).toBe(true)
  })

  test.each([
    ['ld [x + 4]', { op: 'ld', mode: 'ind', k: 4 }],
    ['ld [x - 4]', { op: 'ld', mode: 'ind', k: 0xfffffffc }],
    ['ldb [-4096]', { op: 'ldb', mode: 'abs', k: 0xfffff000 }],
    ['ldb [proto]', { op: 'ldb', mode: 'abs', k: 0xfffff000 }],
    ['ld vlan_avail', { op: 'ld', mode: 'abs', k: 0xfffff030 }],
    ['ld #len', { op: 'ld', mode: 'len' }],
    ['ldx #pktlen', { op: 'ldx', mode: 'len' }],
    ['ldxb 4*([14]&0xf)', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['ldx #7', { op: 'ldx', mode: 'imm', k: 7 }],
    ['st M[3]', { op: 'st', k: 3 }],
    ['and #0xf', { op: 'and', mode: 'k', k: 15 }],
    ['sub x', { op: 'sub', mode: 'x' }],
    ['neg', { op: 'neg' }],
    ['jmp l', { op: 'ja', k: 0 }],
    ['jlt #5, l', { op: 'jge', mode: 'k', k: 5, jt: 0, jf: 0 }],
    ['jset x, l, l', { op: 'jset', mode: 'x', jt: 0, jf: 0 }],
  ])('parse reads %s', (text, expected) => {
    expect(bpf.disassemble(bpf.parse(`${text}\nl: ret #0`))[0]).toEqual(expected)
  })

  test.each(['', 'nonsense', '2\n6 0 0 0\n', '1\n6 0 0\n', '{ 6, 0 }', 'ldq [1]\nret a', 'ret #0\nlast:'])(
    'parse throws a RangeError for %j',
    text => {
      expect(() => bpf.parse(text)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
    },
  )

  test('parse throws a TypeError for a value that is no text', () => {
    expect(() => bpf.parse(Buffer.from(arp) as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    )
  })
})

describe('assemble', () => {
  test('a jump to a label and a jump by a number of instructions assemble to the same program', () => {
    const labels = bpf.assemble([
      { op: 'ldh', k: 12 },
      { op: 'jeq', k: 0x806, jf: 'drop' },
      accept,
      { ...drop, label: 'drop' },
    ])
    expect(labels.equals(bpf.parse(arp))).toBe(true)
    const numbers = bpf.assemble([{ code: 40, k: 12 }, { code: 21, jf: 1, k: 2054 }, accept, { code: 6 }])
    expect(numbers.equals(labels)).toBe(true)
  })

  test('a program gives its bytes as struct sock_filter[], in a copy', () => {
    const program = bpf.assemble([drop])
    program.bytes.fill(1)
    const bytes = Buffer.alloc(8)
    new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = 6
    expect(program.bytes).toEqual(bytes)
    expect(() => Object.assign(program.instructions[0]!, { k: 1 })).toThrow(TypeError)
  })

  test.each<[string, Instruction[], string]>([
    ['nothing', [], 'instructions.length'],
    ['too much', Array<Instruction>(4097).fill(drop), 'instructions.length'],
    ['no ret at the end', [drop, { op: 'tax' }], 'instructions[1]'],
    ['a jump out of it', [{ op: 'jeq', k: 1, jt: 1 }, drop], 'instructions[0].jt'],
    ['the other way out of it', [{ op: 'jeq', k: 1, jf: 1 }, drop], 'instructions[0].jf'],
    ['a long jump out of it', [drop, { op: 'ja', k: 1 }, drop], 'instructions[1].k'],
    ['a way back', [{ ...drop, label: 'a' }, { op: 'ja', k: 'a' }, drop], 'instructions[1].k'],
    ['a label that is nowhere', [{ op: 'jeq', k: 1, jt: 'b' }, drop], 'instructions[0].jt'],
    [
      'a label that is defined twice',
      [
        { ...drop, label: 'a' },
        { ...drop, label: 'a' },
      ],
      'instructions[1].label',
    ],
    ['division by 0', [{ op: 'div', k: 0 }, drop], 'instructions[0].k'],
    ['remainder by 0', [{ op: 'mod', k: 0 }, drop], 'instructions[0].k'],
    ['a shift by a word', [{ op: 'lsh', k: 32 }, drop], 'instructions[0].k'],
    ['memory that is not there', [{ op: 'st', k: 16 }, drop], 'instructions[0].k'],
    ['memory that was not stored', [{ op: 'ld', mode: 'mem', k: 0 }, drop], 'instructions[0].k'],
    [
      'memory that is not stored on every path',
      [{ op: 'jeq', k: 1, jt: 0, jf: 1 }, { op: 'st', k: 2 }, { op: 'ld', mode: 'mem', k: 2 }, drop],
      'instructions[2].k',
    ],
    ['no such instruction', [{ code: 0xff }, drop], 'instructions[0].code'],
    ['no such name', [{ op: 'nop' as never }, drop], 'instructions[0].op'],
    ['no such mode', [{ op: 'ldh', mode: 'mem' as never, k: 1 }, drop], 'instructions[0].mode'],
    ['an unknown extension', [{ op: 'ld', k: SKF_AD_OFF + 64 }, drop], 'instructions[0].k'],
    ['an operand too much', [{ op: 'tax', k: 1 } as never, drop], 'instructions[0].k'],
    [
      'a label too far away',
      [{ op: 'jeq', k: 1, jt: 'far' }, ...Array<Instruction>(256).fill(drop), { ...drop, label: 'far' }],
      'instructions[0].jt',
    ],
  ])('assemble throws a RangeError that names the cause: %s', (_what, instructions, named) => {
    expect(() => bpf.assemble(instructions)).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
        message: expect.stringContaining(`"${named}"`),
      }),
    )
  })

  test('assemble accepts 4096 instructions', () => {
    expect(bpf.assemble(Array<Instruction>(4096).fill(drop))).toHaveLength(4096)
  })

  test.each([[null], ['ret'], [[null]], [[{ op: 1 }]], [[{ op: 'ret', k: '0' }]]])(
    'assemble throws a TypeError for %j',
    value => {
      expect(() => bpf.assemble(value as never)).toThrow(
        expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
      )
    },
  )
})

describe('disassemble', () => {
  test('disassemble prints names for the extensions', () => {
    expect(bpf.disassemble(bpf.parse(arp))).toEqual([
      { op: 'ldh', mode: 'abs', k: 12 },
      { op: 'jeq', mode: 'k', k: 0x806, jt: 0, jf: 1 },
      { op: 'ret', mode: 'k', k: 0x40000 },
      { op: 'ret', mode: 'k', k: 0 },
    ])
  })

  test('disassemble prints numbers for fields that the kernel ignores', () => {
    const odd = { code: 7, jt: 1, jf: 2, k: 3 }
    const program = bpf.assemble([odd, drop])
    expect(bpf.disassemble(program)[0]).toEqual(odd)
  })

  test('assemble and parse restore a disassembled random program', () => {
    const below = random(1)
    for (let i = 0; i < 500; i++) {
      const program = bpf.assemble(randomProgram(below))
      expect(bpf.assemble(bpf.disassemble(program)).equals(program)).toBe(true)
      expect(bpf.parse(String(program)).equals(program)).toBe(true)
    }
  })

  test('disassemble throws a TypeError for a value that is no program', () => {
    expect(() => bpf.disassemble({} as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    )
    expect(() => new Program([])).toThrow(RangeError)
  })
})

describe('run', () => {
  const packet = Buffer.from('0102030405060708', 'hex')
  const k = 0xdeadbeef

  test.each<[string, Instruction[], number]>([
    ['ld', [{ op: 'ld', k: 1 }], 0x02030405],
    ['ldh', [{ op: 'ldh', k: 6 }], 0x0708],
    ['ldb', [{ op: 'ldb', k: 7 }], 8],
    [
      'ind',
      [
        { op: 'ldx', k: 3 },
        { op: 'ldh', mode: 'ind', k: 1 },
      ],
      0x0506,
    ],
    [
      'ind with a negative offset',
      [
        { op: 'ldx', k: 3 },
        { op: 'ldb', mode: 'ind', k: -1 },
      ],
      3,
    ],
    ['len', [{ op: 'ld', mode: 'len' }], 8],
    ['msh', [{ op: 'ldxb', k: 4 }, { op: 'txa' }], 20],
    [
      'a load outside the packet',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'ldh', k: 7 },
      ],
      0,
    ],
    [
      'a load far outside the packet',
      [
        { op: 'ldx', k },
        { op: 'ld', mode: 'imm', k: 1 },
        { op: 'ld', mode: 'ind', k },
      ],
      0,
    ],
    [
      'mem',
      [
        { op: 'ldx', k: 9 },
        { op: 'stx', k: 2 },
        { op: 'ld', mode: 'mem', k: 2 },
      ],
      9,
    ],
    [
      'add wraps',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'add', k },
      ],
      0xbd5b7dde,
    ],
    ['sub wraps', [{ op: 'sub', k: 1 }], 0xffffffff],
    [
      'mul wraps',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'mul', k },
      ],
      Number((0xdeadbeefn * 0xdeadbeefn) & 0xffffffffn),
    ],
    [
      'div is unsigned',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'div', k: 3 },
      ],
      Math.floor(k / 3),
    ],
    [
      'mod',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'mod', k: 1000 },
      ],
      k % 1000,
    ],
    [
      'div by X = 0',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'div', mode: 'x' },
      ],
      0,
    ],
    [
      'mod by X = 0',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'mod', mode: 'x' },
      ],
      0,
    ],
    ['neg', [{ op: 'ld', mode: 'imm', k: 1 }, { op: 'neg' }], 0xffffffff],
    [
      'rsh is unsigned',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'rsh', k: 4 },
      ],
      0x0deadbee,
    ],
    [
      'xor',
      [
        { op: 'ld', mode: 'imm', k },
        { op: 'xor', k: 0xffffffff },
      ],
      0x21524110,
    ],
    [
      'tax, txa',
      [{ op: 'ld', mode: 'imm', k }, { op: 'tax' }, { op: 'ld', mode: 'imm', k: 0 }, { op: 'txa' }],
      k,
    ],
    ['link layer', [{ op: 'ldb', k: SKF_LL_OFF + 1 }], 2],
  ])('run executes %s', (_name, before, expected) => {
    expect(result(before, packet)).toBe(expected)
  })

  test('run loads the ancillary data of the packet', () => {
    const extension = (name: string, info = {}, bytes = ethernet(0x0806)): number =>
      result([{ op: 'ld', k: SKF_AD_OFF + 4 * (ancillary as readonly string[]).indexOf(name) }], bytes, info)
    expect(extension('protocol')).toBe(0x0806)
    expect(extension('protocol', { protocol: 0x86dd })).toBe(0x86dd)
    expect(extension('pkttype', { pkttype: 4 })).toBe(4)
    expect(extension('ifindex', { ifindex: 9 })).toBe(9)
    expect(extension('vlan_tag_present')).toBe(0)
    expect(extension('vlan_tag_present', { vlan_tag: 5 })).toBe(1)
    expect(extension('vlan_tag', { vlan_tag: 5 })).toBe(5)
    expect(extension('rxhash', { rxhash: 0xffffffff })).toBe(0xffffffff)
    expect(extension('cpu')).toBe(0)
    expect(extension('hatype')).toBe(1)
    expect(extension('random', { random: 3 })).toBe(3)
    expect(() => extension('mark', { mark: -1 })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    )
  })

  test('run loads bytes from the network header', () => {
    const frame = ethernet(0x0800)
    frame[14] = 0x45
    expect(result([{ op: 'ldb', k: SKF_NET_OFF }], frame)).toBe(0x45)
    expect(result([{ op: 'ldb', k: SKF_NET_OFF }], frame.subarray(14), { net_off: 0 })).toBe(0x45)
  })

  test('run finds netlink attributes', () => {
    const bytes = Buffer.alloc(28)
    const words = new Uint16Array(bytes.buffer, bytes.byteOffset, 14)
    words.set([8, 1, 0, 0, 20, 2, 0, 0], 0) // type 1 of 8 bytes, type 2 of 20 with a nest
    words.set([8, 7], 6)
    const find = (name: string, at: number, type: number): number =>
      result(
        [
          { op: 'ldx', k: type },
          { op: 'ld', mode: 'imm', k: at },
          { op: 'ld', k: SKF_AD_OFF + 4 * (ancillary as readonly string[]).indexOf(name) },
        ],
        bytes,
      )
    expect(find('nlattr', 0, 2)).toBe(8)
    expect(find('nlattr', 0, 3)).toBe(0)
    expect(find('nlattr', 1000, 1)).toBe(0)
    expect(find('nlattr_nest', 8, 7)).toBe(12)
    expect(find('nlattr_nest', 8, 1)).toBe(0)
  })

  test('run of a random program over random bytes returns 32 bits', () => {
    const below = random(2)
    for (let i = 0; i < 2000; i++) {
      const value = bpf.run(bpf.assemble(randomProgram(below)), randomBytes(below, below(60)))
      expect(Number.isInteger(value) && value >= 0 && value <= 0xffffffff).toBe(true)
    }
  })

  test('run takes any view as a packet, and throws a TypeError for anything else', () => {
    const bytes = Uint8Array.of(9, 9, 1, 2, 3, 4)
    expect(result([{ op: 'ld', k: 0 }], new DataView(bytes.buffer, 2) as never)).toBe(0x01020304)
    expect(() => bpf.run(bpf.assemble([drop]), 'packet' as never)).toThrow(TypeError)
    expect(() => bpf.run([] as never, bytes)).toThrow(TypeError)
  })
})

describe('run without packet information, and invalid arguments', () => {
  const load = (name: string): Instruction => ({
    op: 'ld',
    k: (SKF_AD_OFF + 4 * ancillary.indexOf(name as never)) >>> 0,
  })

  test('without packet information the protocol is read from the packet, and a random number is made', () => {
    expect(result([load('protocol')], ethernet(0x0806))).toBe(0x0806)
    expect(result([load('protocol')], Buffer.alloc(13))).toBe(0)
    const random = result([load('random')])
    expect(random === random >>> 0).toBe(true)
    expect(result([load('random')], Buffer.alloc(0), { random: 7 })).toBe(7)
    expect(result([load('hatype')])).toBe(1)
    expect([result([load('vlan_tag_present')]), result([load('vlan_tag_present')], Buffer.alloc(0), { vlan_tag: 5 })]).toEqual([0, 1]) // prettier-ignore
  })

  test('the length is that of the bytes if info.len is absent', () => {
    expect(result([{ op: 'ld', mode: 'len' }], Buffer.alloc(6))).toBe(6)
    expect(result([{ op: 'ld', mode: 'len' }], Buffer.alloc(6), { len: 1500 })).toBe(1500)
    expect(() => result([{ op: 'ld', mode: 'len' }], Buffer.alloc(6), { len: -1 })).toThrow('"info.len"')
  })

  test('a nested attribute that extends beyond the packet is not found', () => {
    // The outer attribute has length 8 and type 1, the inner one has length 4 and type 0, as X has.
    const packet = Buffer.from(Uint16Array.of(8, 1, 4, 0).buffer)
    const nested = (bytes: Buffer): number =>
      result([{ op: 'ld', mode: 'imm', k: 0 }, load('nlattr_nest')], bytes)
    expect([nested(packet), nested(packet.subarray(0, 7)), nested(packet.subarray(0, 3))]).toEqual([4, 0, 0])
  })

  test.each([
    [() => bpf.run('x' as never, Buffer.alloc(1)), '"program"'],
    [() => bpf.run(bpf.assemble([drop]), 'x' as never), '"packet"'],
    [() => bpf.run(bpf.assemble([drop]), Buffer.alloc(1), 5 as never), '"info"'],
    [() => bpf.run(bpf.assemble([drop]), Buffer.alloc(1), null as never), '"info"'],
    [() => bpf.assemble([{ ...drop, label: 5 as never }]), '"instructions[0].label"'],
    [() => bpf.assemble([5 as never]), '"instructions[0]"'],
    [() => bpf.parse('jeq\nret #0'), 'jeq'],
    [() => bpf.parse('ret #0\n!'), '!'],
  ])('an invalid argument throws an error that names it: %s', (call, text) => expect(call).toThrow(text))

  test('console.log prints the program as tcpdump does', () => {
    expect(inspect(bpf.assemble([accept]))).toBe('Program [1]\n(000) ret      #262144')
  })
})
