import { isIPv6 } from 'node:net'
import { syntaxError, type Place } from './error'
import { linkNames, numbers, protocols, unsupported, words } from './names'

/** A part of an expression. A `word` belongs to the language, a `name` does not; `end` follows the last part. */
export interface Token extends Place {
  readonly kind: 'word' | 'name' | 'number' | 'ipv4' | 'ipv6' | 'mac' | 'symbol' | 'end'
  /** What the token means, whichever of its spellings the text has: `and` for `&&`. */
  readonly is: string
  /** The value of a number. */
  readonly value: number
}

const hex = '[0-9A-Fa-f]'
const byte = `${hex}{1,2}`
const number = '(?:0[xX][0-9A-Fa-f]+|[0-9]+)'
const repeated = (separator: string): string => `${byte}(?:${separator}${byte}){5}`
const mac = [':', '-', '\\.'].map(repeated).concat(`${hex}{4}\\.${hex}{4}\\.${hex}{4}`, `${hex}{12}`)

/** The longest match is the next token; of two that are equally long, the first. */
const patterns: readonly [kind: Token['kind'], pattern: RegExp][] = (
  [
    ['symbol', '[<>]=|!=|==|<<|>>|&&|\\|\\||[-+*/%:[\\]!<>()&|^=]'],
    ['mac', mac.join('|')],
    ['number', number],
    ['ipv4', `${number}(?:\\.${number}){1,3}`],
    ['ipv6', `(?:${hex}{0,4}:){2,7}(?:[0-9]+(?:\\.[0-9]+){3}|${hex}{0,4})`],
    ['word', '[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?'],
    ['name', '\\\\[^ !()\\n\\t]+'],
  ] as const
).map(([kind, pattern]) => [kind, new RegExp(pattern, 'y')])

/** Words and operators with several spellings. */
const spellings: Readonly<Record<string, string>> = {
  '&&': 'and',
  '||': 'or',
  '!': 'not',
  '==': '=',
  length: 'len',
}

/** Splits an expression into tokens. */
export function tokenize(expression: string): Token[] {
  const tokens: Token[] = []
  const spaces = /[ \r\n\t]*/y
  for (let at = 0; ;) {
    spaces.lastIndex = at
    at += spaces.exec(expression)![0].length
    if (at >= expression.length) break
    const token = next(expression, at)
    tokens.push(token)
    at += token.text.length
  }
  return [...tokens, { kind: 'end', text: '', is: '', at: expression.length, value: 0 }]
}

function next(expression: string, at: number): Token {
  let kind: Token['kind'] | undefined
  let text = ''
  for (const [each, pattern] of patterns) {
    pattern.lastIndex = at
    const found = pattern.exec(expression)?.[0] ?? ''
    if (found.length > text.length) [kind, text] = [each, found]
  }
  const wrong = (problem: string): Error => syntaxError(expression, { text, at }, problem)
  const token = (kind: Token['kind'], is: string, value = 0): Token => ({ kind, text, is, at, value })
  switch (kind) {
    case undefined:
      text = String.fromCodePoint(expression.codePointAt(at)!)
      throw wrong('unexpected character')
    case 'symbol': {
      const is = Object.hasOwn(spellings, text) ? spellings[text]! : text
      return token(words.has(is) ? 'word' : 'symbol', is)
    }
    case 'number': {
      const value = integer(text)
      if (!(value <= 0xffffffff))
        throw wrong('a number is octal after 0, hexadecimal after 0x, and has 32 bits')
      return token(kind, text, value)
    }
    case 'ipv6':
      if (!isIPv6(text)) throw wrong('this is no IPv6 address and no Ethernet address')
      return token(kind, text)
    case 'word':
      if (unsupported.has(text)) throw wrong(`"${text}" is not supported`)
      if (numbers.has(text)) return token('number', text, numbers.get(text))
      if (words.has(text)) return token(kind, Object.hasOwn(spellings, text) ? spellings[text]! : text)
      return token(protocols.has(text) || linkNames.has(text) ? kind : 'name', text)
    case 'name':
      return token(kind, text.slice(1))
    default:
      return token(kind, text)
  }
}

/** Returns the value of a number as in C, or NaN. */
function integer(text: string): number {
  return Number(/^0[0-9]/.test(text) ? `0o${text.slice(1)}` : text)
}
