import { inspect } from 'node:util'
import { append } from '../runtime/list'

/** An error with a stable `code`, as Node core throws for bad arguments. */
export type CodedError<E extends Error = Error> = E & { code: string }

const primitives = /^(?:string|number|bigint|boolean|symbol|function|object)(?: or \w+)*$/
const className = /^[A-Z]\w*$/
const longestText = 128

/**
 * Returns a `TypeError` with the code `ERR_INVALID_ARG_TYPE`. `expected` is a primitive type (`'number'`,
 * `'string or number'`), the name of a class (`'Socket'`), or free text that follows "must be".
 */
export function invalidType(argument: string, expected: string, actual: unknown): CodedError<TypeError> {
  let wanted = expected
  if (primitives.test(expected)) wanted = `of type ${expected}`
  else if (className.test(expected)) wanted = `an instance of ${expected}`
  return coded(
    new TypeError(`The "${argument}" argument must be ${wanted}. Received ${describeType(actual)}`),
    'ERR_INVALID_ARG_TYPE',
  )
}

/** Returns a `TypeError` with the code `ERR_INVALID_ARG_TYPE` and its own text, for a mistake with a known cure. */
export function misused(text: string): CodedError<TypeError> {
  return coded(new TypeError(text), 'ERR_INVALID_ARG_TYPE')
}

/** Returns a `RangeError` with the code `ERR_OUT_OF_RANGE`. `range` follows "It must be": `'>= 0 && <= 65535'`. */
export function outOfRange(argument: string, range: string, actual: unknown): CodedError<RangeError> {
  return coded(
    new RangeError(
      `The value of "${argument}" is out of range. It must be ${range}. Received ${describeValue(actual)}`,
    ),
    'ERR_OUT_OF_RANGE',
  )
}

/** Returns a `TypeError` with the code `ERR_INVALID_ADDRESS`. `reason` says what is wrong with the address. */
export function invalidAddress(address: unknown, reason: string): CodedError<TypeError> {
  return coded(new TypeError(`Invalid address ${describeValue(address)}: ${reason}`), 'ERR_INVALID_ADDRESS')
}

/** Returns the text for an interface that does not exist, the same in all errors. */
export function noInterface(name: string): string {
  return `no interface is called ${JSON.stringify(name)}`
}

/**
 * Checks that a value is an integer from `min` to `max`, and returns it. Throws `ERR_INVALID_ARG_TYPE` for any other
 * type, and `ERR_OUT_OF_RANGE` for any other number.
 */
export function checkInteger(argument: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw invalidType(argument, 'number', value)
  if (!Number.isInteger(value)) throw outOfRange(argument, 'an integer', value)
  if (value < min || value > max) throw outOfRange(argument, `>= ${min} && <= ${max}`, value)
  return value
}

/** Checks that a value is a boolean, and returns it. Other values that count as true or false are refused. */
export function checkBoolean(argument: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidType(argument, 'boolean', value)
  return value
}

/**
 * Checks a text that becomes a C string, and returns it. A C string ends at its first NUL, so text with a NUL would
 * name something else. Throws `ERR_INVALID_ARG_TYPE` for any other type, and `ERR_OUT_OF_RANGE` for a NUL.
 */
export function checkText(argument: string, value: unknown, expected = 'string'): string {
  if (typeof value !== 'string') throw invalidType(argument, expected, value)
  if (value.includes('\0')) throw outOfRange(argument, 'text without NUL', value)
  return value
}

/** Describes the type of a value, for an error. Never throws, even if a getter or a Proxy trap of the value throws. */
export function describeType(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'object':
      return value === null ? 'null' : describeObject(value)
    case 'function':
      return safely(() => {
        const { name } = value
        return typeof name === 'string' && name !== '' ? `function ${shorten(name, 28)}` : 'function'
      }, 'a function')
    case 'string':
      return `type string (${quote(shorten(value, 28))})`
    default:
      return `type ${typeof value} (${describeValue(value)})`
  }
}

/** Formats a value, shortened, for an error. Never throws, even if a getter or a Proxy trap of the value throws. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(shorten(value, longestText))
    case 'bigint':
      return `${value}n`
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'object':
    case 'function':
      return safely(
        () => shorten(inspect(value, { depth: 0, breakLength: Infinity }), longestText),
        'an object',
      )
    default:
      return String(value)
  }
}

function describeObject(value: object): string {
  return safely(() => {
    const name: unknown = value.constructor?.name
    if (typeof name === 'string' && name !== '') return `an instance of ${shorten(name, 28)}`
    return shorten(inspect(value, { depth: -1 }), longestText)
  }, 'an object')
}

/** Returns the text, or the fallback if `text` throws: it may run code of the caller (a Proxy, a getter). */
function safely(text: () => string, fallback: string): string {
  try {
    return text()
  } catch {
    return fallback
  }
}

function shorten(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text
}

function quote(text: string): string {
  return /['\\\p{Cc}\p{Cs}]/u.test(text) ? JSON.stringify(text) : `'${text}'`
}

function coded<E extends Error>(error: E, code: string): CodedError<E> {
  return Object.assign(error, { code })
}

/** The default limit of a list. A sparse array can have a length of 2^32 without using memory. */
const MAX_ELEMENTS = 1 << 20

/** Copies an array, and reads each element once: the caller's array may be a subclass or have getters. */
export function elementsOf(name: string, value: unknown, max = MAX_ELEMENTS): unknown[] {
  if (!Array.isArray(value)) throw invalidType(name, 'Array', value)
  const { length } = value
  if (length > max) throw outOfRange(`${name}.length`, `<= ${max}`, length)
  const elements: unknown[] = []
  for (let i = 0; i < length; i++) append(elements, value[i] as unknown)
  return elements
}
