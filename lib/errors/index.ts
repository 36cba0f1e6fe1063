import { EBADF, ECANCELED, errnoCode, errnoOf } from './errno'
import { reasonOf } from '../runtime/signals'
import { ownFields } from '../runtime/fields'
import { noInterface } from './argument'
import { hint } from './hints'

export * from './argument'

/**
 * A system call failed. `code` is the name of the error (`'ECONNREFUSED'`) and the contract;
 * `errno` is its negative number, `syscall` the call, and `address`, `port` and `path` the other end
 * where it is known. An operation that failed half way says how far it got: `bytesSent`, `messagesSent`.
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

/** An end point as an error shows it. Every `Address` is one. */
export interface EndPoint {
  readonly kind: string
  readonly address?: unknown
  readonly port?: unknown
  readonly path?: unknown
  toString(): string
}

/** What is known about a failed call beside its errno. */
export interface ErrorContext {
  address?: EndPoint | null | undefined
  /** Text that names what was asked for, `'SOCK_RAW'`: shown, and used to say which privilege is missing. */
  subject?: string | undefined
  /** Whether control messages went with it. */
  control?: boolean | undefined
  /** Why the package refused it, where it was not the kernel: takes the place of every other hint. */
  refused?: string | undefined
}

/** The error of a call that returned −errno: `connect ECONNREFUSED 127.0.0.1:1`. */
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

/** The error of a call that looks an interface up by its name. */
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

/** Used after close() or detach(). */
export function closed(syscall: string): SocketError {
  return new SocketError(`${syscall} EBADF: the socket is closed`, 'EBADF', EBADF, syscall)
}

/** Closed by ourselves while the operation waited. */
export function canceled(syscall: string): SocketError {
  return new SocketError(
    `${syscall} ECANCELED: the socket was closed while the operation waited`,
    'ECANCELED',
    ECANCELED,
    syscall,
  )
}

/** The library's own time ran out: never the kernel's ETIMEDOUT, and without an errno. */
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

/** The operation's signal fired. `cause` is the signal's reason. */
export function aborted(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: reasonOf(signal) })
  Object.defineProperty(error, 'name', { value: 'AbortError', writable: true, configurable: true })
  return Object.assign(error, { code: 'ABORT_ERR' })
}

/** The memory that an operation was given has been detached or made smaller while it waited. */
export function bufferGone(syscall: string): TypeError {
  return Object.assign(
    new TypeError(`${syscall}: the buffer was detached or shrunk while the operation waited`),
    {
      code: 'ERR_BUFFER_DETACHED',
    },
  )
}

/** The file ended before everything that it had at the start was sent. */
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

/** Something that this system does not have. */
export function unsupported(what: string, syscall: string, code = 'ENOSYS'): SocketError {
  const os = process.platform === 'darwin' ? 'macOS' : 'Linux'
  return new SocketError(`${syscall} ${code}: ${what} does not exist on ${os}`, code, errnoOf(code), syscall)
}

/** Adds how far an operation got to the reason of its failure, whatever a user's callback threw as one. */
export function withProgress(reason: Error, bytesSent: number): Error {
  return annotate(reason, { bytesSent })
}

/** The same in messages. */
export function withMessages(reason: Error, messagesSent: number): Error {
  return annotate(reason, { messagesSent })
}

function annotate(reason: Error, progress: object): Error {
  if (reason instanceof Object && Object.isExtensible(reason)) Object.assign(reason, progress)
  return reason
}
