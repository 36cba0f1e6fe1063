import { EBADF, ECANCELED, errnoCode, errnoOf } from './errno'
import type { NonSharedBuffer } from '../runtime/buffer'
import { reasonOf } from '../runtime/signals'
import { ownFields } from '../runtime/fields'
import { noInterface, type CodedError } from './argument'
import { hint } from './hints'

export * from './argument'

/**
 * The error of a failed system call. `code` is the stable name of the error, such as `'ECONNREFUSED'`; `errno` is its
 * negative number, and `syscall` the name of the call. `address`, `port` and `path` are the address that the call
 * used, if it is known. If an operation failed after a part was sent, `bytesSent` or `messagesSent` tells how much.
 */
export class SocketError extends Error {
  readonly code: string
  readonly errno: number | undefined
  readonly syscall: string
  declare readonly address?: string
  declare readonly port?: number
  declare readonly path?: string
  declare bytesSent?: number
  declare messagesSent?: number
  /** With `ERR_UNEXPECTED_END`: the bytes that arrived before the stream ended. */
  declare partial?: NonSharedBuffer
  /** In an error of `relay`: the socket that failed. Absent after a timeout. */
  declare side?: 'a' | 'b'
  /** In an error of `relay`: the bytes that moved from `a` to `b`. */
  declare aToB?: number
  /** In an error of `relay`: the bytes that moved from `b` to `a`. */
  declare bToA?: number

  constructor(message: string, code: string, errno: number | undefined, syscall: string) {
    super(message)
    this.code = code
    this.errno = errno
    this.syscall = syscall
  }

  static {
    Object.defineProperty(this.prototype, 'name', {
      value: 'SocketError',
      writable: true,
      configurable: true,
    })
  }
}

/** The parts of an address that an error shows. Every `Address` has them. */
export interface EndPoint {
  readonly kind: string
  readonly address?: unknown
  readonly port?: unknown
  readonly path?: unknown
  toString(): string
}

/** Information about a failed call, in addition to its errno. */
export interface ErrorContext {
  address?: EndPoint | null | undefined
  /** The object of the call, such as `'SOCK_RAW'`. Shown in the message, and used to find the missing privilege. */
  subject?: string | undefined
  /** True if the call sent control messages. */
  control?: boolean | undefined
  /** What happened to the interface of an AF_PACKET socket. */
  device?: 'down' | 'deleted' | undefined
  /** The reason, if this package and not the kernel refused the call. Replaces every other hint. */
  refused?: string | undefined
}

/** Returns the error of a call that returned −errno: `connect ECONNREFUSED 127.0.0.1:1`. */
export function systemError(syscall: string, errno: number, context: ErrorContext = {}): SocketError {
  const code = errnoCode(errno)
  const own = ownFields(context)
  const { address } = own
  const subject = own.subject ?? (address == null ? '' : String(address))
  const advice = hint(syscall, code, own)
  const text = `${syscall} ${code}${subject === '' ? '' : ` ${subject}`}${advice === '' ? '' : ` (${advice})`}`
  const error = new SocketError(text, code, errno, syscall)
  if (address != null) describeEnd(error, address)
  return error
}

/** Returns the error of a lookup of an interface by name. */
export function interfaceError(errno: number, name: string): SocketError {
  const subject = errnoCode(errno) === 'ENODEV' ? noInterface(name) : JSON.stringify(name)
  return systemError('if_nametoindex', errno, { subject })
}

function describeEnd(error: SocketError, address: EndPoint): void {
  const fields: { address?: unknown; port?: unknown; path?: unknown } = {}
  if (address.kind === 'inet' || address.kind === 'inet6') {
    fields.address = address.address
    fields.port = address.port
  } else if (address.kind === 'unix' || address.kind === 'abstract') {
    fields.path = address.path
  } else if (address.kind !== 'unnamed') {
    fields.address = String(address)
  }
  Object.assign(error, fields)
}

/** Returns the error of an operation after close() or detach(). */
export function closed(syscall: string): SocketError {
  return new SocketError(`${syscall} EBADF: the socket is closed`, 'EBADF', EBADF, syscall)
}

/** Returns the error of an operation that waited when close() was called. */
export function canceled(syscall: string): SocketError {
  return new SocketError(
    `${syscall} ECANCELED: the socket was closed while the operation waited`,
    'ECANCELED',
    ECANCELED,
    syscall,
  )
}

/** Returns the error of an operation whose `timeout` expired. It has no errno, and is never the kernel's ETIMEDOUT. */
export function timedOut(syscall: string, timeout: number): SocketError {
  const error = new SocketError(
    `${syscall} timed out after ${timeout} ms`,
    'ERR_SOCKET_TIMEOUT',
    undefined,
    syscall,
  )
  Object.defineProperty(error, 'name', { value: 'TimeoutError', writable: true, configurable: true })
  return error
}

/** Returns the error of an operation whose signal was aborted. `cause` is the reason of the signal. */
export function aborted(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: reasonOf(signal) })
  Object.defineProperty(error, 'name', { value: 'AbortError', writable: true, configurable: true })
  return Object.assign(error, { code: 'ABORT_ERR' })
}

/** Returns the error for a buffer that was detached or shrunk while the operation waited. */
export function bufferGone(syscall: string): TypeError {
  return Object.assign(
    new TypeError(`${syscall}: the buffer was detached or shrunk while the operation waited`),
    {
      code: 'ERR_BUFFER_DETACHED',
    },
  )
}

/** Returns the error for a file that became shorter during sendfile. */
export function fileTruncated(bytesSent: number, expected: number): SocketError {
  const error = new SocketError(
    `sendfile ERR_FILE_TRUNCATED: the file ended after ${bytesSent} of ${expected} bytes`,
    'ERR_FILE_TRUNCATED',
    undefined,
    'sendfile',
  )
  error.bytesSent = bytesSent
  return error
}

/** Returns the error for a stream that ended inside of `what`. `partial` has the bytes before the end. */
export function unexpectedEnd(partial: NonSharedBuffer, what: string): SocketError {
  const text = `recv ERR_UNEXPECTED_END: the stream ended after ${partial.length} bytes, before ${what}`
  const error = new SocketError(text, 'ERR_UNEXPECTED_END', undefined, 'recv')
  error.partial = partial
  return error
}

/** Returns the error for a frame that is longer than the caller's limit. */
export function limitExceeded(what: string, max: number): CodedError<RangeError> {
  return Object.assign(new RangeError(`recv ERR_LIMIT_EXCEEDED: ${what} is not in the first ${max} bytes`), {
    code: 'ERR_LIMIT_EXCEEDED',
  })
}

/** Returns the error for a feature that this system does not have. */
export function unsupported(what: string, syscall: string, code = 'ENOSYS'): SocketError {
  const os = process.platform === 'darwin' ? 'macOS' : 'Linux'
  return new SocketError(`${syscall} ${code}: ${what} does not exist on ${os}`, code, errnoOf(code), syscall)
}

/** Adds `bytesSent` to the error of an operation. The error may be any value that the caller's callback threw. */
export function withProgress(reason: Error, bytesSent: number): Error {
  return annotate(reason, { bytesSent })
}

/** Adds `messagesSent` to the error of an operation. */
export function withMessages(reason: Error, messagesSent: number): Error {
  return annotate(reason, { messagesSent })
}

function annotate(reason: Error, progress: object): Error {
  if (reason instanceof Object && Object.isExtensible(reason)) Object.assign(reason, progress)
  return reason
}
