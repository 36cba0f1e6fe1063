import { SKF_AD_OFF } from './opcodes'
import { extensionNames } from './print'
import type { Instruction, Target } from './assemble'

/** Other names of the extensions that some programs use. */
const otherNames: Readonly<Record<string, (typeof extensionNames)[number]>> = {
  vlan_avail: 'vlanp',
  vlan_pr: 'vlanp',
  vlant: 'vlan_tci',
  rand: 'random',
}

const extensions: ReadonlyMap<string, number> = new Map([
  ...extensionNames.map((name, i): [string, number] => [name, SKF_AD_OFF + 4 * i]),
  ...Object.entries(otherNames).map(([name, other]): [string, number] => [
    name,
    SKF_AD_OFF + 4 * extensionNames.indexOf(other),
  ]),
])

const token =
  /[ \t\r\n\f\v\u2028\u2029]+|(?<name>[A-Za-z_]\w*)|(?<number>[0-9]\w*)|(?<symbol>[-+#%[\]()*&,:])/y

interface Token {
  /** In lower case, because only labels differ by case. */
  readonly text: string
  readonly kind: 'name' | 'number' | 'symbol' | 'end'
  readonly original: string
  /** Where the token is, for errors. */
  readonly at: number
}

/** Jumps that only assemblers have: each is another jump with `jt` and `jf` exchanged. */
const opposites: ReadonlyMap<string, string> = new Map([
  ['jne', 'jeq'],
  ['jneq', 'jeq'],
  ['jlt', 'jge'],
  ['jle', 'jgt'],
])
const jumps: ReadonlySet<string> = new Set(['jeq', 'jgt', 'jge', 'jset', ...opposites.keys()])
const arithmetic = new Set(['add', 'sub', 'mul', 'div', 'mod', 'or', 'and', 'xor', 'lsh', 'rsh'])

/** Replaces comments with spaces: in C's form, or from `;`, from `//` or from `#` at the start of a line to its end. */
export function withoutComments(text: string): string {
  const starts = /\/\*|;|\/\/|^#/gm
  const parts: string[] = []
  let from = 0
  for (let found; (found = starts.exec(text)) !== null; starts.lastIndex = from) {
    const ends = found[0] === '/*' ? /\*\//g : /(?=[\n\r\u2028\u2029])|$/g
    ends.lastIndex = found.index + found[0].length
    const end = ends.exec(text)
    if (end === null) break
    parts.push(text.slice(from, found.index))
    from = end.index + end[0].length
    parts.push(text.slice(found.index, from).replace(/[^\n]/g, ' '))
  }
  return parts.join('') + text.slice(from)
}

/**
 * Parses the assembly of bpf_asm, and the output of `tcpdump -d`, without comments. Line breaks are spaces, as for
 * bpf_asm. `wrong` throws the error for a line.
 */
export function parseAssembly(text: string, wrong: (line: string) => never): Instruction[] {
  return new Assembly(text, wrong).parse()
}

class Assembly {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(
    text: string,
    private readonly wrongLine: (line: string) => never,
  ) {
    this.#text = text
    this.#tokens = this.#tokenize()
  }

  parse(): Instruction[] {
    const list: Instruction[] = []
    while (this.#token.kind !== 'end') {
      this.#number()
      const label = this.#label()
      const instruction = this.#instruction(list.length)
      list.push(label === undefined ? instruction : { ...instruction, label })
    }
    return list
  }

  #tokenize(): Token[] {
    const tokens: Token[] = []
    token.lastIndex = 0
    for (let at = 0; at < this.#text.length; at = token.lastIndex) {
      const found = token.exec(this.#text)
      if (found === null) this.#wrong(at)
      const [original] = found
      const kind = (['name', 'number', 'symbol'] as const).find(each => found.groups![each] !== undefined)
      if (kind !== undefined) tokens.push({ text: original.toLowerCase(), kind, original, at })
    }
    return [...tokens, { text: '', kind: 'end', original: '', at: this.#text.length }]
  }

  /** Throws the error for the line of a place, by default of the token before. */
  #wrong(at = this.#tokens[Math.max(0, this.#next - 1)]!.at): never {
    const start = this.#text.lastIndexOf('\n', at - 1) + 1
    const end = this.#text.indexOf('\n', at)
    this.wrongLine(this.#text.slice(start, end < 0 ? undefined : end).trim())
  }

  get #token(): Token {
    return this.#tokens[this.#next]!
  }

  #peek(ahead: number): string | undefined {
    return this.#tokens[this.#next + ahead]?.text
  }

  #accept(text: string): boolean {
    if (this.#token.text !== text) return false
    this.#next++
    return true
  }

  #expect(...texts: readonly string[]): void {
    for (const text of texts) if (!this.#accept(text)) this.#wrong(this.#token.at)
  }

  /** Skips the number of an instruction in the output of `tcpdump -d`. */
  #number(): void {
    if (this.#token.text !== '(' || this.#peek(2) !== ')') return
    this.#next++
    if (this.#token.kind !== 'number') this.#wrong()
    this.#next += 2
  }

  #label(): string | undefined {
    const { kind, original } = this.#token
    if (kind !== 'name' || this.#peek(1) !== ':') return undefined
    this.#next += 2
    return original
  }

  #instruction(at: number): Instruction {
    const { text: op, kind } = this.#token
    if (kind !== 'name') this.#wrong(this.#token.at)
    this.#next++
    if (op === 'jmp' || op === 'ja') return { op: 'ja', k: this.#target(at) }
    if (jumps.has(op)) return this.#jump(op, at)
    const operand = this.#operand(op)
    if (op === 'ldi' || op === 'ldxi') return { op: op === 'ldi' ? 'ld' : 'ldx', ...operand } as Instruction
    return { op: op === 'ldx' && operand.mode === 'msh' ? 'ldxb' : op, ...operand } as Instruction
  }

  #operand(op: string): { mode?: string; k?: number } {
    switch (op) {
      case 'tax':
      case 'txa':
      case 'neg':
        return {}
      case 'st':
      case 'stx':
        return { k: this.#memory() }
      case 'ret':
        return this.#value('a', 'x')
      case 'ldi':
      case 'ldxi':
        this.#accept('#')
        return { mode: 'imm', k: this.#integer() }
      default:
        if (arithmetic.has(op)) return this.#value('x')
        return op.startsWith('ld') ? this.#load() : this.#wrong()
    }
  }

  /** Parses a number after `#`, or a register. */
  #value(...registers: readonly string[]): { mode: string; k?: number } {
    if (this.#accept('#')) return { mode: 'k', k: this.#integer() }
    this.#accept('%')
    const register = registers.find(each => this.#accept(each))
    return register === undefined ? this.#wrong() : { mode: register }
  }

  #load(): { mode: string; k?: number } {
    if (this.#accept('[')) return this.#packet()
    if (this.#token.text === 'm' && this.#peek(1) === '[') return { mode: 'mem', k: this.#memory() }
    if (this.#token.kind === 'number') return this.#headerLength()
    const isImmediate = this.#accept('#')
    const { text, kind } = this.#token
    const extension = extensions.get(text)
    if (kind !== 'name') return isImmediate ? { mode: 'imm', k: this.#integer() } : this.#wrong()
    this.#next++
    if (text === 'len' || text === 'pktlen') return { mode: 'len' }
    return extension === undefined ? this.#wrong() : { mode: 'abs', k: extension }
  }

  /** Parses what follows `[`: an offset, X and an offset, or the name of an extension. */
  #packet(): { mode: string; k: number } {
    const extension = extensions.get(this.#token.text)
    let mode = 'abs'
    if (extension !== undefined) this.#next++
    else if (this.#accept('%') || this.#token.text === 'x') {
      this.#expect('x')
      if (this.#token.text === '+') this.#next++
      else if (this.#token.text !== '-') this.#wrong()
      mode = 'ind'
    }
    const k = extension ?? this.#integer()
    this.#expect(']')
    return { mode, k }
  }

  /** Parses `4*([k]&0xf)`. */
  #headerLength(): { mode: string; k: number } {
    if (this.#integer() !== 4) this.#wrong()
    this.#expect('*', '(', '[')
    const k = this.#integer()
    this.#expect(']', '&')
    if (this.#integer() !== 0xf) this.#wrong()
    this.#expect(')')
    return { mode: 'msh', k }
  }

  #memory(): number {
    this.#expect('m', '[')
    const k = this.#integer()
    this.#expect(']')
    return k
  }

  #jump(op: string, at: number): Instruction {
    const value = this.#value('x')
    this.#accept(',')
    if (this.#peek(1) !== ',') this.#accept('jt')
    const yes = this.#target(at)
    const opposite = opposites.get(op)
    if (opposite !== undefined) return { op: opposite, ...value, jt: 0, jf: yes } as Instruction
    const more = this.#accept(',') || (this.#token.text === 'jf' && this.#peek(1) !== ':')
    if (more) this.#accept('jf')
    return { op, ...value, jt: yes, jf: more ? this.#target(at) : 0 } as Instruction
  }

  /** Parses a jump target: a label, or the number of an instruction as in `tcpdump -d`. */
  #target(at: number): Target {
    const { kind, original } = this.#token
    if (kind === 'number') return this.#integer() - at - 1
    if (kind !== 'name') this.#wrong()
    this.#next++
    return original
  }

  /** Parses a number as bpf_asm does: decimal with a sign, hexadecimal, octal after 0, or binary after 0b. */
  #integer(): number {
    const sign = this.#accept('-') ? -1 : 1
    if (sign === 1) this.#accept('+')
    const { kind, text } = this.#token
    const value = kind === 'number' ? Number(/^0[0-9]/.test(text) ? `0o${text.slice(1)}` : text) : NaN
    if (!Number.isInteger(value) || value > 0xffffffff) this.#wrong(this.#token.at)
    this.#next++
    return sign * value
  }
}
