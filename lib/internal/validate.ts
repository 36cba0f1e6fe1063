import { checkInteger, checkText, invalidType, outOfRange } from '../errors/argument'

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

const LONGEST_TIMEOUT = 0x7fffffff

/** The fields of an operation's options beside those of Op. */
export type Fields = readonly string[]

const NO_FIELDS: Fields = []

/** Checks an Op, or a number in its place. `more` are the fields that this operation takes besides. */
export function checkOp(
  op: Op | number | undefined,
  timeout: number | null,
  more: Fields = NO_FIELDS,
): Waiting {
  if (op === undefined) return { flags: 0, timeout, signal: undefined }
  if (typeof op === 'number') return { flags: checkFlags(op), timeout, signal: undefined }
  if (typeof op !== 'object' || op === null) throw invalidType('op', 'number or object', op)
  // A loop and not Object.keys: this is done for every operation, and makes nothing.
  for (const key in op) {
    if (key === 'timeout' || key === 'signal' || key === 'flags' || more.includes(key)) continue
    if (op instanceof AbortSignal) throw invalidType('op', 'number or object: { signal } for a signal', op)
    checkKnown('op', op, ['flags', 'timeout', 'signal', ...more])
  }
  const { flags, timeout: own, signal } = op
  return {
    flags: flags === undefined ? 0 : checkFlags(flags),
    timeout: own === undefined ? timeout : checkTimeout('op.timeout', own),
    signal: signal === undefined ? undefined : checkSignal(signal),
  }
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
  if (!(timeout >= 0 && timeout <= LONGEST_TIMEOUT)) {
    throw outOfRange(name, `>= 0 && <= ${LONGEST_TIMEOUT} or null`, timeout)
  }
  return timeout
}

function checkSignal(signal: unknown): AbortSignal {
  const like = signal as AbortSignal | null
  if (
    typeof like !== 'object' ||
    like === null ||
    typeof like.aborted !== 'boolean' ||
    typeof like.addEventListener !== 'function'
  ) {
    throw invalidType('op.signal', 'AbortSignal', signal)
  }
  return like
}

/** Bytes as users may give them. A string is never encoded silently. */
export function checkBytes(name: string, value: unknown): ArrayBufferView {
  if (!ArrayBuffer.isView(value)) {
    const advice = typeof value === 'string' ? ' (Buffer.from(text) makes one)' : ''
    throw invalidType(name, `an instance of Buffer, TypedArray or DataView${advice}`, value)
  }
  return value
}

const LARGEST_SIZE = 0x7fffffff

/** A number of bytes to receive at most. */
export function checkSize(name: string, value: unknown): number {
  return checkInteger(name, value, 0, LARGEST_SIZE)
}

/** Any whole number that C would take as an int, signed or not. */
export function checkInt(name: string, value: unknown): number {
  return checkInteger(name, value, -0x80000000, 0xffffffff) | 0
}

/** A descriptor, or an object with one as `fd` (net.Socket's owner types, FileHandle, Socket). */
export function checkFd(name: string, value: unknown): number {
  const fd = typeof value === 'object' && value !== null ? (value as { fd?: unknown }).fd : value
  if (typeof fd !== 'number') throw invalidType(name, 'a file descriptor or an object with one as fd', value)
  return checkInteger(name, fd, 0, 0x7fffffff)
}

/** Refuses a field that no option has: a typing error would otherwise pass for a default. */
export function checkKnown(name: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find(key => !known.includes(key))
  if (unknown === undefined) return
  const value = (options as Record<string, unknown>)[unknown]
  throw invalidType(`${name}.${unknown}`, `left out: there are only ${known.join(', ')}`, value)
}
