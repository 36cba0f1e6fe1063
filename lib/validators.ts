import type { FileHandle } from 'node:fs/promises'
import { checkInteger, checkText, invalidType, outOfRange } from './errors/argument'
import { isSignal } from './runtime/signals'
import { memberOf, ownFields } from './runtime/fields'

/** Anything that names an open file. */
export type FileLike = number | FileHandle | { readonly fd: number }

export { checkInteger, checkText }

/** Options of every operation that can wait; a bare number stands for `flags`. */
export interface Op {
  /** `MSG_*` flags of the system call. */
  flags?: number | undefined
  /** Milliseconds: `null` waits, 0 never waits (`EAGAIN`), more waits that long (`ERR_SOCKET_TIMEOUT`). Default: `socket.timeout`. */
  timeout?: number | null | undefined
  /** Takes the operation back (`AbortError`). */
  signal?: AbortSignal | undefined
}

/** An Op after the checks. */
export interface Waiting {
  flags: number
  timeout: number | null
  signal: AbortSignal | undefined
}

const MAX_TIMEOUT = 0x7fffffff

/** The fields of an operation's options beside those of Op. */
export type Fields = readonly string[]

const NO_FIELDS: Fields = []

const { hasOwn, freeze } = Object

/** The options of a call that was given none. It inherits nothing. */
const NO_OPTIONS = freeze({ __proto__: null })

/** The own fields of an options object. Refuses a field that no option has. */
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

/** The own fields of an operation's options that are more than an Op, for checkOp and for the operation. */
export function ownOp<T extends Op>(op: T | number | undefined): T | number | undefined {
  return typeof op === 'object' && op !== null && !(op instanceof AbortSignal) ? ownFields(op) : op
}

/** The options behind an ownOp, where a number stands for flags. checkOp refuses anything else. */
export function fieldsOfOp<T extends Op>(op: T | number | undefined): Partial<T> {
  return typeof op === 'object' && op !== null ? op : (NO_OPTIONS as unknown as Partial<T>)
}

/** Checks an Op, or a number in its place. `more` are the fields that this operation takes besides. */
export function checkOp(
  op: Op | number | undefined,
  timeout: number | null,
  more: Fields = NO_FIELDS,
): Waiting {
  if (op === undefined) return { flags: 0, timeout, signal: undefined }
  if (typeof op === 'number') return { flags: checkFlags(op), timeout, signal: undefined }
  if (typeof op !== 'object' || op === null) throw invalidType('op', 'number or object', op)
  const waiting: Waiting = { flags: 0, timeout, signal: undefined }
  // A loop and not checkOptions: every operation does this, and a copy would cost more than all checks.
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

/** The same for calls that block: nothing could fire a signal meanwhile, so one is refused. */
export function checkSyncOp(op: Op | number | undefined, timeout: number | null, more?: Fields): Waiting {
  const waiting = checkOp(op, timeout, more)
  if (waiting.signal === undefined) return waiting
  throw invalidType(
    'op.signal',
    'undefined, since nothing fires a signal while the thread blocks',
    waiting.signal,
  )
}

export function checkFlags(flags: unknown): number {
  return checkInteger('flags', flags, -0x80000000, 0x7fffffff)
}

export function checkTimeout(name: string, timeout: unknown): number | null {
  if (timeout === null) return null
  if (typeof timeout !== 'number') throw invalidType(name, 'number or null', timeout)
  if (!(timeout >= 0 && timeout <= MAX_TIMEOUT)) {
    throw outOfRange(name, `>= 0 && <= ${MAX_TIMEOUT} or null`, timeout)
  }
  return timeout
}

/** A signal is an AbortSignal: nothing else keeps to its rules. */
export function checkSignal(name: string, signal: unknown): AbortSignal | undefined {
  if (signal === undefined || isSignal(signal)) return signal
  throw invalidType(name, 'AbortSignal', signal)
}

/** Bytes as users may give them. A string is never encoded silently. */
export function checkBytes(name: string, value: unknown): ArrayBufferView {
  if (!ArrayBuffer.isView(value)) {
    const advice = typeof value === 'string' ? ' (Buffer.from(text) makes one)' : ''
    throw invalidType(name, `an instance of Buffer, TypedArray or DataView${advice}`, value)
  }
  return value
}

const MAX_SIZE = 0x7fffffff

/** A number of bytes to receive at most. */
export function checkSize(name: string, value: unknown): number {
  return checkInteger(name, value, 0, MAX_SIZE)
}

/** Any whole number that C would take as an int, signed or not. */
export function checkInt(name: string, value: unknown): number {
  return checkInteger(name, value, -0x80000000, 0xffffffff) | 0
}

/** A descriptor, or an object with one as `fd` (net.Socket's owner types, FileHandle, Socket). */
export function checkFd(name: string, value: unknown): number {
  const fd = typeof value === 'object' && value !== null ? memberOf(value, 'fd') : value
  if (typeof fd !== 'number') throw invalidType(name, 'a file descriptor or an object with one as fd', value)
  return checkInteger(name, fd, 0, 0x7fffffff)
}

/** For a field that no option has: a typing error would otherwise pass for a default. */
function unknownField(name: string, key: string, value: unknown, known: readonly string[]): Error {
  return invalidType(`${name}.${key}`, `left out: there are only ${known.join(', ')}`, value)
}
