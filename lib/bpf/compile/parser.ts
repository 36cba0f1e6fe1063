import type { Arithmetic, Comparison, Expression, Link, Operator, Qualifiers } from './ast'
import { syntaxError } from './error'
import { linkNames, protocols } from './names'
import { tokenize, type Token } from './tokens'

/** How deep brackets, `not` and `-` can be nested. */
const MAX_DEPTH = 200

/** How many conditions an expression can have: most take an instruction at least. */
const MAX_CONDITIONS = 4096

/** How many operators an expression can have. */
const MAX_OPERATORS = 1000

/** The precedence of operators. `%` and `^` have none in tcpdump's grammar: they take all that follows. */
const precedence: Readonly<Record<Operator, number>> = {
  '|': 1,
  '&': 2,
  '<<': 3,
  '>>': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': Infinity,
  '^': Infinity,
}
const UNARY = 6

const comparisons: readonly string[] = ['=', '!=', '<', '<=', '>', '>='] satisfies Comparison[]

/**
 * A part between `and` and `or`: a value, which a comparison or a list of numbers may follow; an identifier, which takes
 * the qualifiers of the part before it; or a complete condition.
 */
type Unit =
  | { readonly kind: 'value'; readonly value: Arithmetic; readonly token: Token }
  | { readonly kind: 'identifier' | 'condition'; readonly condition: Expression; readonly token: Token }

/** Parses an expression; `undefined` if it is empty, which accepts every packet. */
export function parseExpression(text: string): Expression | undefined {
  return new Parser(text).parse()
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0
  #conditions = 0
  #operators = 0
  /** The qualifiers for identifiers without their own; `undefined` after a condition that has none. */
  #qualifiers: Qualifiers | undefined

  constructor(private readonly text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): Expression | undefined {
    if (this.#atEnd) return undefined
    const unit = this.#list()
    if (!this.#atEnd) throw this.#unexpected('"and", "or" or the end')
    return this.#condition(unit)
  }

  get #atEnd(): boolean {
    return this.#token.kind === 'end'
  }

  get #token(): Token {
    return this.#tokens[this.#next]!
  }

  #take(): Token {
    return this.#tokens[this.#next++]!
  }

  /** Takes the next token if it is one of these words or symbols. */
  #accept(...wanted: readonly string[]): Token | undefined {
    const { kind, is } = this.#token
    return (kind === 'word' || kind === 'symbol') && wanted.includes(is) ? this.#take() : undefined
  }

  #expect(wanted: string): void {
    if (this.#accept(wanted) === undefined) throw this.#unexpected(`"${wanted}"`)
  }

  #number(what: string): Token {
    return this.#token.kind === 'number' ? this.#take() : this.#fail(this.#unexpected(what))
  }

  #fail(error: Error): never {
    throw error
  }

  #unexpected(wanted: string, token = this.#token): Error {
    const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text.slice(0, 40))
    return syntaxError(this.text, token, `expected ${wanted}, not ${found}`)
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      throw syntaxError(this.text, this.#token, `nested more than ${MAX_DEPTH} deep`)
    const result = parse()
    this.#depth--
    return result
  }

  /** Returns the condition of a unit that must be one. */
  #condition(unit: Unit): Expression {
    if (unit.kind === 'condition') return unit.condition
    if (unit.kind === 'value' && unit.value.kind !== 'number') throw this.#unexpected('a comparison')
    throw syntaxError(this.text, unit.token, 'a qualifier such as "host" or "port" is missing before this')
  }

  /** Parses units with `and` and `or` between them. A single value or identifier is returned as it is. */
  #list(): Unit {
    let first = this.#unit()
    const { kind, is } = this.#token
    if (kind !== 'word' || (is !== 'and' && is !== 'or')) return first
    if (first.kind === 'value') first = this.#listed(first)
    const rest: Link<Expression>[] = []
    for (let op; (op = this.#accept('and', 'or'));) {
      const unit = this.#listed(this.#unit())
      if (first.kind === 'identifier' && unit.kind !== 'identifier')
        throw syntaxError(this.text, unit.token, 'a list of addresses or numbers has no other conditions')
      rest.push({ op: op.is as Link<Expression>['op'], condition: unit.condition })
    }
    const condition: Expression = { kind: 'chain', first: first.condition, rest }
    return { kind: first.kind, condition, token: first.token }
  }

  /** Returns a unit as a member of a list, where a number is an identifier. */
  #listed(unit: Unit): Exclude<Unit, { kind: 'value' }> {
    if (unit.kind !== 'value') return unit
    if (unit.value.kind !== 'number') throw this.#unexpected('a comparison')
    return this.#identifier(unit.token)
  }

  #unit(): Unit {
    const token = this.#token
    if (this.#accept('not') !== undefined) return this.#nested(() => this.#negation(token))
    if (this.#accept('(') !== undefined) return this.#compared(this.#nested(() => this.#brackets(token)))
    switch (token.kind) {
      case 'number':
        this.#take()
        return this.#compared({ kind: 'value', value: { kind: 'number', value: token.value }, token })
      case 'name':
      case 'mac':
      case 'ipv4':
      case 'ipv6':
        return this.#identifier(this.#take())
      case 'symbol':
        if (token.is !== '-') throw this.#unexpected('a condition')
        return this.#compared({ kind: 'value', value: this.#operand(), token })
      case 'end':
        throw this.#unexpected('a condition')
      default:
        return token.is === 'len' || this.#tokens[this.#next + 1]!.is === '['
          ? this.#compared({ kind: 'value', value: this.#operand(), token })
          : { kind: 'condition', condition: this.#primitive(), token }
    }
  }

  #negation(token: Token): Unit {
    const unit = this.#unit()
    if (unit.kind === 'value' && this.#qualifiers === undefined) throw this.#unexpected('a comparison')
    const { kind, condition } = this.#listed(unit)
    return { kind, condition: { kind: 'not', of: condition }, token }
  }

  /** Parses what brackets contain. Conditions after them take the qualifiers from before them. */
  #brackets(token: Token): Unit {
    const before = this.#qualifiers
    const unit = this.#list()
    this.#expect(')')
    if (unit.kind === 'condition') this.#qualifiers = before
    return { ...unit, token: unit.kind === 'value' ? unit.token : token }
  }

  /** Parses the operators and the comparison that may follow a value. */
  #compared(unit: Unit): Unit {
    if (unit.kind !== 'value') return unit
    const left = this.#operations(unit.value, 0)
    const op = this.#accept(...comparisons)
    if (op === undefined) return { ...unit, value: left }
    const right = this.#operations(this.#operand(), 0)
    this.#count()
    this.#qualifiers = undefined
    const condition: Expression = { kind: 'relation', op: op.is as Comparison, left, right }
    return { kind: 'condition', condition, token: unit.token }
  }

  /** Parses the operators after a value that bind at least as tightly as `least`. */
  #operations(value: Arithmetic, least: number): Arithmetic {
    let left = value
    for (;;) {
      const token = this.#token
      const own = token.kind === 'symbol' ? (precedence as Record<string, number>)[token.is] : undefined
      if (own === undefined || own < least) return left
      this.#take()
      if (++this.#operators > MAX_OPERATORS)
        throw syntaxError(this.text, token, `more than ${MAX_OPERATORS} operators`)
      const op = token.is as Operator
      const right = this.#nested(() => this.#operations(this.#operand(), own === Infinity ? 0 : own + 1))
      left = { kind: 'operation', op, left, right, token }
    }
  }

  #operand(): Arithmetic {
    const token = this.#take()
    if (token.kind === 'number') return { kind: 'number', value: token.value }
    if (token.is === 'len' && token.kind === 'word') return { kind: 'len' }
    if (token.is === '-' && token.kind === 'symbol')
      return { kind: 'negative', of: this.#nested(() => this.#operations(this.#operand(), UNARY)) }
    if (token.is === '(' && token.kind === 'symbol') {
      const inner = this.#nested(() => this.#operations(this.#operand(), 0))
      this.#expect(')')
      return inner
    }
    if (!isProtocol(token)) throw this.#unexpected('a number, "len" or a protocol with an offset', token)
    this.#expect('[')
    const offset = this.#nested(() => this.#operations(this.#operand(), 0))
    const size = this.#accept(':') === undefined ? 1 : this.#size()
    this.#expect(']')
    return { kind: 'load', protocol: token, offset, size }
  }

  #size(): number {
    const token = this.#number('a size of 1, 2 or 4')
    if (![1, 2, 4].includes(token.value)) throw this.#unexpected('a size of 1, 2 or 4', token)
    return token.value
  }

  /** Counts a condition. */
  #count(): void {
    if (++this.#conditions > MAX_CONDITIONS)
      throw syntaxError(this.text, this.#token, `more than ${MAX_CONDITIONS} conditions`)
  }

  #identifier(token: Token): Exclude<Unit, { kind: 'value' }> {
    this.#count()
    const qualifiers = this.#qualifiers
    if (qualifiers === undefined)
      throw syntaxError(this.text, token, 'a qualifier such as "host" or "port" is missing before this')
    const mask = token.kind === 'ipv4' || token.kind === 'ipv6' ? this.#mask(token) : undefined
    const condition: Expression = { kind: 'identifier', token, mask, qualifiers }
    return { kind: 'identifier', condition, token }
  }

  /** Parses the mask of a network: `/8`, or `mask 255.0.0.0`. */
  #mask({ kind }: Token): Token | undefined {
    if (this.#accept('/') !== undefined) return this.#number('the length of the prefix')
    if (kind !== 'ipv4' || this.#accept('mask') === undefined) return undefined
    if (this.#token.kind !== 'ipv4') throw this.#unexpected('a mask such as 255.255.0.0')
    return this.#take()
  }

  /** Parses a condition that starts with a word. */
  #primitive(): Expression {
    const token = this.#token
    const protocol = isProtocol(token) ? this.#take() : undefined
    const qualifiers = this.#head(protocol)
    if (qualifiers !== undefined) {
      this.#qualifiers = qualifiers
      return this.#value()
    }
    this.#count()
    this.#qualifiers = undefined
    const cast = this.#accept('broadcast', 'multicast')
    if (cast !== undefined) return { kind: 'cast', token: cast, protocol }
    if (protocol !== undefined) return { kind: 'protocol', token: protocol }
    return this.#special()
  }

  /** Parses qualifiers: a direction, a type, or both. */
  #head(protocol: Token | undefined): Qualifiers | undefined {
    const name = protocol && linkNames.has(protocol.is) ? 'link' : protocol?.is
    const refused = this.#accept('gateway', 'protochain')
    if (refused !== undefined) throw syntaxError(this.text, refused, reasons[refused.is]!)
    if (this.#accept('proto') !== undefined) return { protocol: name, direction: undefined, type: 'proto' }
    const direction = this.#direction()
    const type = this.#accept('host', 'net', 'port', 'portrange')?.is as Qualifiers['type']
    return direction === undefined && type === undefined ? undefined : { protocol: name, direction, type }
  }

  #direction(): Qualifiers['direction'] {
    const first = this.#accept('src', 'dst')?.is as 'src' | 'dst' | undefined
    const [op, other] = [this.#token.is, this.#tokens[this.#next + 1]]
    if (first === undefined || (op !== 'or' && op !== 'and')) return first
    if (other?.is !== (first === 'src' ? 'dst' : 'src')) return first
    this.#next += 2
    return op === 'or' ? 'either' : 'both'
  }

  /** Parses what follows qualifiers: an address, a port, a protocol, or a list of them in brackets. */
  #value(): Expression {
    const token = this.#token
    if (this.#accept('not') !== undefined) return { kind: 'not', of: this.#nested(() => this.#value()) }
    if (this.#accept('(') !== undefined) {
      const unit = this.#listed(this.#nested(() => this.#brackets(token)))
      if (unit.kind !== 'identifier')
        throw syntaxError(this.text, token, 'expected a list of addresses or numbers')
      return unit.condition
    }
    if (!['number', 'name', 'mac', 'ipv4', 'ipv6'].includes(token.kind))
      throw this.#unexpected(
        protocols.has(token.is) ? `"\\${token.is}", with a backslash` : 'an address, a number or a name',
      )
    return this.#identifier(this.#take()).condition
  }

  /** Parses a condition without qualifiers. */
  #special(): Expression {
    const token = this.#take()
    switch (token.is) {
      case 'less':
      case 'greater':
      case 'ifindex':
        return { kind: 'special', token, argument: this.#number('a number') }
      case 'vlan':
      case 'mpls':
      case 'pppoes': {
        const argument = this.#optionalNumber()
        return { kind: 'special', token, ...(argument && { argument }) }
      }
      case 'llc': {
        const { kind, is } = this.#token
        return {
          kind: 'special',
          token,
          ...((kind === 'name' || is === 'rnr') && { argument: this.#take() }),
        }
      }
      case 'pppoed':
      case 'inbound':
      case 'outbound':
        return { kind: 'special', token }
      default:
        throw this.#unexpected('a condition', token)
    }
  }

  /** Parses a number that may be absent, and may be in brackets. */
  #optionalNumber(): Token | undefined {
    let open = 0
    while (this.#tokens[this.#next + open]!.is === '(') open++
    if (this.#tokens[this.#next + open]!.kind !== 'number') return undefined
    this.#next += open
    const token = this.#take()
    for (; open > 0; open--) this.#expect(')')
    return token
  }
}

function isProtocol({ kind, is }: Token): boolean {
  return kind === 'word' && (protocols.has(is) || linkNames.has(is))
}

const reasons: Readonly<Record<string, string>> = {
  gateway: '"gateway" needs the names of hosts, and no names are resolved',
  protochain: '"protochain" needs a loop, which the kernel does not accept',
}
