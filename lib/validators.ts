import type { FileHandle } from 'node:fs/promises'
import { checkInteger, describeType, invalidType, misused, outOfRange } from './errors/argument'
import { isSignal } from './runtime/signals'
import { memberOf, ownFields } from './runtime/fields'

/** An open file: a descriptor, a FileHandle, or an object with a descriptor as `fd`. */
export type FileLike = number | FileHandle | { readonly fd: number }

/** The options of every operation that can wait. A number in place of the options is `flags`. */
export interface Op {
  /**
   * `MSG_*` flags of the system call. With `MSG_DONTWAIT` the operation does not wait, even if a timeout is given. Flags
   * that exist only in the other direction, such as `MSG_PEEK` in a send, throw `ERR_OUT_OF_RANGE`.
   */
  flags?: number | undefined
  /**
   * How long to wait, in milliseconds, any finite number from 0. `null` waits without limit. 0 does not wait: rejects with `EAGAIN` if the
   * operation would block. Otherwise rejects with `ERR_SOCKET_TIMEOUT` when the time is over. Default:
   * `socket.timeout`.
   */
  timeout?: number | null | undefined
  /** If aborted, the operation rejects with an `AbortError`. */
  signal?: AbortSignal | undefined
}

/** The checked values of an Op. */
export interface Waiting {
  flags: number
  timeout: number | null
  signal: AbortSignal | undefined
}

/** The names of the options of an operation, in addition to those of Op. */
export type Fields = readonly string[]

const NO_FIELDS: Fields = []

const { hasOwn, freeze } = Object

/** The options of a call without options. It has no prototype. */
const NO_OPTIONS = freeze({ __proto__: null })

/** Copies the own fields of an options object. Throws for a field that is not in `known`. */
export function checkOptions<T extends object>(
  name: string,
  given: T | undefined,
  known: readonly (keyof T & string)[],
): T {
  if (given === undefined) return NO_OPTIONS as unknown as T
  if (typeof given !== 'object' || given === null) throw invalidType(name, 'object', given)
  const own = ownFields(given)
  for (const key in own) if (!known.includes(key)) throw unknownField(name, key, own[key], known)
  return own
}

/** Copies the own fields of options that extend Op, so that checkOp and the operation read the same values. */
export function ownOp<T extends Op>(op: T | number | undefined): T | number | undefined {
  return typeof op === 'object' && op !== null && !(op instanceof AbortSignal) ? ownFields(op) : op
}

/** Returns the options of an ownOp result; empty for a number. checkOp refuses anything else. */
export function fieldsOfOp<T extends Op>(op: T | number | undefined): Partial<T> {
  return typeof op === 'object' && op !== null ? op : (NO_OPTIONS as unknown as Partial<T>)
}

/** Checks an Op, or a number in its place. `more` are the additional options of this operation. */
export function checkOp(
  op: Op | number | undefined,
  timeout: number | null,
  more: Fields = NO_FIELDS,
): Waiting {
  if (op === undefined) return { flags: 0, timeout, signal: undefined }
  if (typeof op === 'number') return { flags: checkFlags(op), timeout, signal: undefined }
  if (typeof op !== 'object' || op === null) throw invalidType('op', 'number or object', op)
  const waiting: Waiting = { flags: 0, timeout, signal: undefined }
  // A loop instead of checkOptions: every operation runs this code, and a copy would cost more than all checks.
  for (const key in op) {
    if (!hasOwn(op, key)) {
      if (isSignal(op)) throw invalidType('op', 'number or object: { signal } for a signal', op)
      continue
    }
    if (key === 'timeout') {
      const own = op.timeout
      if (own !== undefined) waiting.timeout = checkTimeout('op.timeout', own)
    } else if (key === 'signal') {
      waiting.signal = checkSignal('op.signal', op.signal)
    } else if (key === 'flags') {
      const { flags } = op
      if (flags !== undefined) waiting.flags = checkFlags(flags)
    } else if (!more.includes(key)) {
      throw unknownField('op', key, (op as Record<string, unknown>)[key], [
        'flags',
        'timeout',
        'signal',
        ...more,
      ])
    }
  }
  return waiting
}

/** Checks the options of a call that blocks. Refuses a signal: nothing can abort it while the thread is blocked. */
export function checkSyncOp(op: Op | number | undefined, timeout: number | null, more?: Fields): Waiting {
  const waiting = checkOp(op, timeout, more)
  if (waiting.signal === undefined) return waiting
  throw invalidType(
    'op.signal',
    'undefined, because nothing can abort a signal while the thread is blocked',
    waiting.signal,
  )
}

export function checkFlags(flags: unknown): number {
  return checkInteger('flags', flags, -0x80000000, 0x7fffffff)
}

export function checkTimeout(name: string, timeout: unknown): number | null {
  if (timeout === null) return null
  if (typeof timeout !== 'number') throw invalidType(name, 'number or null', timeout)
  if (!(timeout >= 0 && timeout < Infinity)) throw outOfRange(name, 'a finite number >= 0, or null', timeout)
  return timeout
}

/** Checks that a value is an AbortSignal or undefined. */
export function checkSignal(name: string, signal: unknown): AbortSignal | undefined {
  if (signal === undefined || isSignal(signal)) return signal
  throw invalidType(name, 'AbortSignal', signal)
}

/** Checks that a value is a Buffer, typed array or DataView. A string is refused, because it has no encoding. */
export function checkBytes(name: string, value: unknown): ArrayBufferView {
  if (!ArrayBuffer.isView(value)) {
    const advice = typeof value === 'string' ? ' (Buffer.from(text) makes one)' : ''
    throw invalidType(name, `an instance of Buffer, TypedArray or DataView${advice}`, value)
  }
  return value
}

const MAX_SIZE = 0x7fffffff

/** Checks a maximum number of bytes to receive. */
export function checkSize(name: string, value: unknown): number {
  return checkInteger(name, value, 0, MAX_SIZE)
}

/** Checks a number that fits into a C int, signed or unsigned, and returns it as signed. */
export function checkInt(name: string, value: unknown): number {
  return checkInteger(name, value, -0x80000000, 0xffffffff) | 0
}

/** Checks a descriptor, or an object with a descriptor as `fd` (FileHandle, Socket). Returns the descriptor. */
export function checkFd(name: string, value: unknown): number {
  const fd = typeof value === 'object' && value !== null ? memberOf(value, 'fd') : value
  if (typeof fd !== 'number') throw invalidType(name, 'a file descriptor or an object with one as fd', value)
  return checkInteger(name, fd, 0, 0x7fffffff)
}

/** Returns the error for an unknown option. Without it, a misspelt option would have no effect. */
export function unknownField(name: string, key: string, value: unknown, known: readonly string[]): Error {
  return misused(
    `unknown option "${key}"; known: ${known.join(', ')}. Received "${name}.${key}": ${describeType(value)}`,
  )
}
