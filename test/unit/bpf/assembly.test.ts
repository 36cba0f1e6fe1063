import { bpf, type Instruction } from '../../../lib/bpf'

/** Returns the instructions of a text, without the `ret` that ends the program. */
const parsed = (text: string): Instruction[] => bpf.disassemble(bpf.parse(text)).slice(0, -1)
const one = (text: string): Instruction => parsed(`${text}\nend: ret #0`)[0]!
const extension = (index: number, op = 'ld'): object => ({ op, mode: 'abs', k: (-0x1000 + 4 * index) >>> 0 })

describe('parse reads every instruction of bpf_asm', () => {
  test.each<[string, object]>([
    ['ld [12]', { op: 'ld', mode: 'abs', k: 12 }],
    ['ldh [12]', { op: 'ldh', mode: 'abs', k: 12 }],
    ['ldb [12]', { op: 'ldb', mode: 'abs', k: 12 }],
    ['ld [x+4]', { op: 'ld', mode: 'ind', k: 4 }],
    ['ld [%x + 4]', { op: 'ld', mode: 'ind', k: 4 }],
    ['ldh [ % x + 4 ]', { op: 'ldh', mode: 'ind', k: 4 }],
    ['ldb [x - 4]', { op: 'ldb', mode: 'ind', k: 0xfffffffc }],
    ['ldb [x + -4]', { op: 'ldb', mode: 'ind', k: 0xfffffffc }],
    ['ld #5', { op: 'ld', mode: 'imm', k: 5 }],
    ['ld # 5', { op: 'ld', mode: 'imm', k: 5 }],
    ['ld #+5', { op: 'ld', mode: 'imm', k: 5 }],
    ['ldi #5', { op: 'ld', mode: 'imm', k: 5 }],
    ['ldi 5', { op: 'ld', mode: 'imm', k: 5 }],
    ['ldxi #5', { op: 'ldx', mode: 'imm', k: 5 }],
    ['ldxi 5', { op: 'ldx', mode: 'imm', k: 5 }],
    ['ldx #5', { op: 'ldx', mode: 'imm', k: 5 }],
    ['ldx len', { op: 'ldx', mode: 'len' }],
    ['ldx #len', { op: 'ldx', mode: 'len' }],
    ['ld pktlen', { op: 'ld', mode: 'len' }],
    ['ldxb 4*([14]&0xf)', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['ldx 4*([14]&0xf)', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['ldxb 4 * ( [ 0xe ] & 017 )', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['ldx 0x4*([016]&15)', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['ldxb 4*([14]&0b1111)', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['st M[3]', { op: 'st', k: 3 }],
    ['stx m[ 3 ]', { op: 'stx', k: 3 }],
    ['add #010', { op: 'add', mode: 'k', k: 8 }],
    ['sub #0x10', { op: 'sub', mode: 'k', k: 16 }],
    ['mul #0b10', { op: 'mul', mode: 'k', k: 2 }],
    ['div #1', { op: 'div', mode: 'k', k: 1 }],
    ['mod #0XA', { op: 'mod', mode: 'k', k: 10 }],
    ['and #-1', { op: 'and', mode: 'k', k: 0xffffffff }],
    ['or %x', { op: 'or', mode: 'x' }],
    ['xor x', { op: 'xor', mode: 'x' }],
    ['lsh X', { op: 'lsh', mode: 'x' }],
    ['rsh #1', { op: 'rsh', mode: 'k', k: 1 }],
    ['neg', { op: 'neg' }],
    ['tax', { op: 'tax' }],
    ['txa', { op: 'txa' }],
    ['jmp end', { op: 'ja', k: 0 }],
    ['ja end', { op: 'ja', k: 0 }],
    ['ret a', { op: 'ret', mode: 'a' }],
    ['ret %a', { op: 'ret', mode: 'a' }],
    ['ret #-1', { op: 'ret', mode: 'k', k: 0xffffffff }],
    ['RET #0XFFFF', { op: 'ret', mode: 'k', k: 0xffff }],
    ['LDXB 4*([14]&0XF)', { op: 'ldxb', mode: 'msh', k: 14 }],
    ['LdH [X+2]', { op: 'ldh', mode: 'ind', k: 2 }],
  ])('%s', (text, expected) => {
    expect(one(text)).toEqual(expected)
  })

  const two = (text: string): Instruction => parsed(`${text}\nld #1\nyes: ld #2\nno: ret #0`)[0]!

  test.each<[string, object]>([
    ['jeq #2, yes, no', { op: 'jeq', mode: 'k', k: 2, jt: 1, jf: 2 }],
    ['jeq #2 , yes', { op: 'jeq', mode: 'k', k: 2, jt: 1, jf: 0 }],
    ['jeq x, yes, no', { op: 'jeq', mode: 'x', jt: 1, jf: 2 }],
    ['jeq %x, yes', { op: 'jeq', mode: 'x', jt: 1, jf: 0 }],
    ['jneq #2, no', { op: 'jeq', mode: 'k', k: 2, jt: 0, jf: 2 }],
    ['jne x, no', { op: 'jeq', mode: 'x', jt: 0, jf: 2 }],
    ['jne %x, no', { op: 'jeq', mode: 'x', jt: 0, jf: 2 }],
    ['jlt #2, no', { op: 'jge', mode: 'k', k: 2, jt: 0, jf: 2 }],
    ['jlt x, no', { op: 'jge', mode: 'x', jt: 0, jf: 2 }],
    ['jle #2, no', { op: 'jgt', mode: 'k', k: 2, jt: 0, jf: 2 }],
    ['jle %x, no', { op: 'jgt', mode: 'x', jt: 0, jf: 2 }],
    ['jgt #2, yes', { op: 'jgt', mode: 'k', k: 2, jt: 1, jf: 0 }],
    ['jgt x, yes, no', { op: 'jgt', mode: 'x', jt: 1, jf: 2 }],
    ['jge #02, yes, no', { op: 'jge', mode: 'k', k: 2, jt: 1, jf: 2 }],
    ['jset #0x2, yes', { op: 'jset', mode: 'k', k: 2, jt: 1, jf: 0 }],
    ['jset %x, yes, no', { op: 'jset', mode: 'x', jt: 1, jf: 2 }],
    ['JEQ #2, yes, no', { op: 'jeq', mode: 'k', k: 2, jt: 1, jf: 2 }],
    ['jeq #2 jt 2 jf 3', { op: 'jeq', mode: 'k', k: 2, jt: 1, jf: 2 }],
  ])('%s', (text, expected) => {
    expect(two(text)).toEqual(expected)
  })

  test.each([
    ['proto', 0],
    ['type', 1],
    ['ifidx', 2],
    ['nla', 3],
    ['nlan', 4],
    ['mark', 5],
    ['queue', 6],
    ['hatype', 7],
    ['rxhash', 8],
    ['cpu', 9],
    ['vlan_tci', 11],
    ['vlan_avail', 12],
    ['vlan_pr', 12],
    ['poff', 13],
    ['rand', 14],
    ['vlan_tpid', 15],
  ])('the extension %s', (name, index) => {
    expect(one(`ld ${name}`)).toEqual(extension(index))
    expect(one(`ld #${name}`)).toEqual(extension(index))
    expect(one(`ldh #${name.toUpperCase()}`)).toEqual(extension(index, 'ldh'))
    expect(one(`ldb ${name}`)).toEqual(extension(index, 'ldb'))
    expect(one(`ldb [${name}]`)).toEqual(extension(index, 'ldb')) // tcpdump -d
  })
})

describe('parse reads the layout of bpf_asm', () => {
  const expected = bpf.parse('ldh [12]\njne #0x806, drop\nret #-1\ndrop: ret #0')

  test.each([
    ['one line', 'ldh [12] jne #0x806, drop ret #-1 drop: ret #0'],
    ['labels with their own line', 'ldh [12]\njne #0x806, drop\nret #-1\ndrop:\nret #0'],
    ['instructions over several lines', 'ldh\n  [12]\njne #0x806,\n  drop\nret\n  #-1\ndrop\n: ret #0'],
    ['comments after ;', '; arp\nldh [12] ; the type\njne #0x806, drop;\nret #-1\ndrop: ret #0 ; end'],
    [
      'comments in /* */',
      '/* arp\n * only */ldh [12] /* the type */ jne #0x806, drop\nret/**/#-1\ndrop: ret #0 /***/',
    ],
    [
      'comments after # at the start of a line',
      '#!/usr/sbin/bpf_asm\n# arp\nldh [12]\njne #0x806, drop\n#\nret #-1\ndrop: ret #0',
    ],
    ['comments after //', 'ldh [12] // the type\njne #0x806, drop\nret #-1\ndrop: ret #0'],
    ['tabs and carriage returns', 'ldh\t[12]\r\njne\t#0x806,\tdrop\r\nret #-1\r\ndrop:\tret #0\r\n'],
    ['upper case', 'LDH [12]\nJNE #0X806, drop\nRET #-1\ndrop: RET #0'],
  ])('%s', (_what, text) => {
    expect(bpf.parse(text).equals(expected)).toBe(true)
  })

  test('labels differ by case', () => {
    const [jump] = parsed('jeq #1, Out, out\nret #1\nout: ret #2\nOut: ret #3')
    expect(jump).toEqual({ op: 'jeq', mode: 'k', k: 1, jt: 2, jf: 1 })
  })

  test('an instruction and a register can be the name of a label', () => {
    expect(parsed('jmp add\nadd: add #1\njmp x\nx: ret #0')).toHaveLength(3)
  })
})

test.each([
  'ld',
  'ld [',
  'ld [12',
  'ld [x]',
  'ld [x + ]',
  'ld 5',
  'ld #',
  'ld #089',
  'ld #0x',
  'ld #4294967296',
  'ld #constructor',
  'ld [toString]',
  'ldx 5*([14]&0xf)',
  'ldxb 4*([14]&0xe)',
  'ldxb 4*([14]&0xf',
  'ldh #1',
  'st #1',
  'st 3',
  'ret',
  'ret x',
  'ret %x',
  'add',
  'add 5',
  'add a',
  'jeq',
  'jeq #1',
  'jeq #1,',
  'jeq #1, end,',
  'jeq a, end',
  'jne #1, end, end',
  'jlt #1, end, end',
  'jmp',
  'jmp 1, 2',
  'tax #1',
  'neg x',
  'one: two: ret #1',
  'constructor',
  '__proto__ #1',
  '/* not closed',
  'ld @',
])('parse throws a RangeError for %j', text => {
  expect(() => bpf.parse(`ld #1\n${text}\nend: ret #0`)).toThrow(
    expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }),
  )
})

test('parse of a long text takes time in proportion to it', () => {
  for (const part of ['/*', '/**/', ';', '#\n', '(', 'l:', ' ', '-', '0']) {
    expect(() => bpf.parse(`ld #1\n${part.repeat(200_000)}`)).toThrow(RangeError)
  }
})
