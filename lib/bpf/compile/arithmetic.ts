import type { Arithmetic, Comparison, Operator } from './ast'
import { and, not, test, type Condition, type Steps, type Test } from './condition'
import type { Place } from './error'
import type { Layers, Size } from './layers'
import { ETHERTYPE, linkNames, protocols } from './names'
import type { Token } from './tokens'
import { MEMWORDS } from '../opcodes'

/** The conditions and loads of protocols, which the generator knows. */
export interface Loads {
  readonly layers: Layers
  isProtocol(token: Token): Condition
  isNoFragment(): Condition
  fail(place: Place, problem: string): never
}

/** A value in instructions: a number that is known, or steps that compute it in A. */
interface Value {
  readonly number: number | undefined
  readonly steps: Steps
  /** What the value is, before constants are computed. */
  readonly key: string
  /** What must be true of the packet, so that the value means something. */
  readonly condition: Condition | undefined
}

const instructions = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '&': 'and',
  '|': 'or',
  '^': 'xor',
  '<<': 'lsh',
  '>>': 'rsh',
} as const satisfies Record<Operator, string>

const calculate: Readonly<Record<Operator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => Math.imul(a, b),
  '/': (a, b) => Math.floor(a / b),
  '%': (a, b) => a % b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >>> b,
}

const length: Steps = [{ op: 'ld', mode: 'len' }]

/** Memory words 1 to 14 hold intermediate values; Layers uses the others. */
const FIRST = 1
const LAST = MEMWORDS - 2

const tests: Readonly<Record<Comparison, [op: Test['op'], same: boolean]>> = {
  '=': ['jeq', true],
  '!=': ['jeq', false],
  '>': ['jgt', true],
  '<=': ['jgt', false],
  '>=': ['jge', true],
  '<': ['jge', false],
}

/** Generates a comparison of two values. */
export function relation(loads: Loads, op: Comparison, left: Arithmetic, right: Arithmetic): Condition {
  const [a, b] = [new Generator(loads).value(left, FIRST), new Generator(loads).value(right, FIRST + 1)]
  const [jump, same] = tests[op]
  const [x, y] = [a.number, b.number]
  const known =
    x === undefined || y === undefined
      ? undefined
      : jump === 'jeq'
        ? x === y
        : jump === 'jgt'
          ? x > y
          : x >= y
  const compared = y === undefined ? test(pair(a, b, FIRST), jump) : test(a.steps, jump, y)
  const result = {
    ...compared,
    known,
    identity: { left: a.key, right: right.kind === 'number' ? right.value : b.key },
  }
  const conditions = [a.condition, b.condition].filter(each => each !== undefined)
  return and(...conditions, same ? result : not(result))
}

/** Computes two values, the first in A and the second in X. */
function pair(a: Value, b: Value, word: number): Steps {
  if (a.number !== undefined) return [...b.steps, { op: 'tax' }, ...a.steps]
  return [...a.steps, { op: 'st', k: word }, ...b.steps, { op: 'tax' }, { op: 'ld', mode: 'mem', k: word }]
}

class Generator {
  constructor(private readonly loads: Loads) {}

  /** Generates a value. The memory words before `word` are in use. */
  value(value: Arithmetic, word: number): Value {
    switch (value.kind) {
      case 'number':
        return constant(value.value, `#${value.value}`)
      case 'len':
        return { number: undefined, steps: length, key: JSON.stringify(length), condition: undefined }
      case 'negative': {
        const of = this.value(value.of, word)
        const key = `-(${of.key})`
        return of.number === undefined
          ? { number: undefined, steps: [...of.steps, { op: 'neg' }], key, condition: of.condition }
          : constant(-of.number, key, of.condition)
      }
      case 'load':
        return this.#load(value, word)
      default:
        return this.#operation(value, word)
    }
  }

  #operation(value: Arithmetic & { kind: 'operation' }, word: number): Value {
    const { op, token } = value
    if (word > LAST) this.loads.fail(token, 'too many values are needed at the same time')
    const a = this.value(value.left, word)
    const b = this.value(value.right, word + 1)
    // As with tcpdump, only the protocol of the left value is checked. The right one may be of any packet.
    const { condition } = a
    if (b.number === 0 && (op === '/' || op === '%')) this.loads.fail(token, 'division by 0')
    if (b.number !== undefined && b.number > 31 && (op === '<<' || op === '>>'))
      this.loads.fail(token, 'a shift by more than 31 bits')
    const key = `(${a.key}${op}${b.key})`
    if (isZero(op, a.number, b.number)) return constant(0, key, condition)
    if (a.number !== undefined && b.number !== undefined)
      return constant(calculate[op](a.number, b.number), key, condition)
    const instruction = instructions[op]
    if (b.number !== undefined)
      return { number: undefined, steps: [...a.steps, { op: instruction, k: b.number }], key, condition }
    return { number: undefined, steps: [...pair(a, b, word), { op: instruction, mode: 'x' }], key, condition }
  }

  #load({ protocol, offset, size }: Arithmetic & { kind: 'load' }, word: number): Value {
    const at = this.value(offset, word)
    const { layers } = this.loads
    const place = placeOf(protocol.is)
    if (place === undefined) this.loads.fail(protocol, `"${protocol.is}" has no bytes that can be loaded`)
    if (place.base === 'link' && layers.link === 'cooked')
      this.loads.fail(protocol, 'cooked packets have no link-layer header')
    if (at.number !== undefined && !layers.isInside(place.base, place.offset + at.number))
      this.loads.fail(protocol, 'the offset is before the start of the packet')
    const steps =
      at.number === undefined
        ? [...at.steps, ...layers.loadAtA(place.base, place.offset, size as Size)]
        : layers.load(place.base, place.offset + at.number, size as Size)
    const key = `${JSON.stringify(layers.load(place.base, place.offset, size as Size))}[${at.key}]`
    return { number: undefined, steps, key, condition: this.#condition(protocol, place.kind, at.condition) }
  }

  #condition(protocol: Token, kind: Kind, before: Condition | undefined): Condition | undefined {
    const { layers } = this.loads
    const earlier = before === undefined ? [] : [before]
    switch (kind) {
      case 'link':
        return before
      case 'network':
        return and(...earlier, this.loads.isProtocol(protocol))
      case 'icmp6':
        return and(...earlier, layers.typeIs(ETHERTYPE.ip6), layers.field('network', 6, 1, 58))
      default:
        return and(
          layers.typeIs(ETHERTYPE.ip),
          ...earlier,
          this.loads.isProtocol(protocol),
          this.loads.isNoFragment(),
        )
    }
  }
}

type Kind = 'link' | 'network' | 'transport' | 'icmp6'

/** Returns where the bytes of a protocol are. Offsets of ICMPv6 are after a header without extensions. */
function placeOf(
  name: string,
): { kind: Kind; base: 'link' | 'network' | 'transport'; offset: number } | undefined {
  if (linkNames.has(name)) return { kind: 'link', base: 'link', offset: 0 }
  if (name === 'icmp6') return { kind: 'icmp6', base: 'network', offset: 40 }
  const protocol = protocols.get(name)!
  if (protocol.in === 'link' && protocol.numbers[0]! > 1500 && name !== 'aarp')
    return { kind: 'network', base: 'network', offset: 0 }
  const transports = ['tcp', 'udp', 'sctp', 'icmp', 'igmp', 'igrp', 'pim', 'vrrp', 'carp']
  return transports.includes(name) ? { kind: 'transport', base: 'transport', offset: 0 } : undefined
}

function constant(number: number, key: string, condition?: Condition): Value {
  const k = number >>> 0
  return { number: k, steps: [{ op: 'ld', mode: 'imm', k }], key, condition }
}

/** Returns true if the result is 0, for any other value. Such a value is not loaded. */
function isZero(op: Operator, a: number | undefined, b: number | undefined): boolean {
  if (a === 0 && ['*', '/', '%', '&', '<<', '>>'].includes(op)) return true
  return b === 0 && (op === '*' || op === '&')
}
