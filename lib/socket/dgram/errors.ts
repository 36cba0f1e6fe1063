import { getSystemErrorMap } from 'node:util'
import { describeType, SocketError } from '../../errors'
import { errnoCode, errnoOf } from '../../errors/errno'

/*
 * The errors of node:dgram. Code that was written for it compares `code`, and some of it the message or the class, so
 * they are plain Errors with the texts of Node.
 */

type Coded<E extends Error = Error> = E & { code: string }

function coded<E extends Error>(error: E, code: string): Coded<E> {
  return Object.assign(error, { code })
}

export const notRunning = (): Coded => coded(new Error('Not running'), 'ERR_SOCKET_DGRAM_NOT_RUNNING')
export const alreadyBound = (): Coded =>
  coded(new Error('Socket is already bound'), 'ERR_SOCKET_ALREADY_BOUND')
export const connected = (): Coded => coded(new Error('Already connected'), 'ERR_SOCKET_DGRAM_IS_CONNECTED')
export const notConnected = (): Coded => coded(new Error('Not connected'), 'ERR_SOCKET_DGRAM_NOT_CONNECTED')
export const badBufferSize = (): Coded =>
  coded(new TypeError('Buffer size must be a positive integer'), 'ERR_SOCKET_BAD_BUFFER_SIZE')
export const blocked = (ip: string): Coded =>
  coded(new Error(`IP(${ip}) is blocked by net.BlockList`), 'ERR_IP_BLOCKED')
export const missing = (name: string): Coded =>
  coded(new TypeError(`The "${name}" argument must be specified`), 'ERR_MISSING_ARGS')
export const outOfBounds = (name: string): Coded =>
  coded(new RangeError(`"${name}" is outside of buffer bounds`), 'ERR_BUFFER_OUT_OF_BOUNDS')

export function badType(): Coded {
  const text = 'Bad socket type specified. Valid types are: udp4, udp6, unix'
  return coded(new TypeError(text), 'ERR_SOCKET_BAD_TYPE')
}

export const badFd = (kind: string): Coded =>
  coded(new TypeError(`Unsupported fd type: ${kind}`), 'ERR_INVALID_FD_TYPE')

export function badPort(port: unknown, least: '>' | '>='): Coded {
  const text = `Port should be ${least} 0 and < 65536. Received ${describeType(port)}.`
  return coded(new RangeError(text), 'ERR_SOCKET_BAD_PORT')
}

/** Returns the error of a failed call: `send EMSGSIZE 127.0.0.1:80`. */
export function callError(
  syscall: string,
  errno: number,
  address?: string,
  port?: number,
): NodeJS.ErrnoException {
  const code = errnoCode(errno)
  const end = address === undefined ? '' : port === undefined ? ` ${address}` : ` ${address}:${port}`
  const error = coded(new Error(`${syscall} ${code}${end}`), code) as NodeJS.ErrnoException
  error.errno = errno
  error.syscall = syscall
  return Object.assign(error, address === undefined ? {} : { address }, port === undefined ? {} : { port })
}

/** Returns the error of a call that this package refused before the kernel saw it, such as one with a bad address. */
export const refused = (syscall: string, address?: string, port?: number): NodeJS.ErrnoException =>
  callError(syscall, errnoOf('EINVAL'), address, port)

/** Returns the error of reading or setting a buffer size. `which` is `'recv'` or `'send'`. */
export function bufferSizeError(which: 'recv' | 'send', errno: number): Error {
  const syscall = `uv_${which}_buffer_size`
  const [code, message] = getSystemErrorMap().get(errno) ?? [errnoCode(errno), 'unknown error']
  const text = `Could not get or set buffer size: ${syscall} returned ${code} (${message})`
  const error = coded(new Error(text), 'ERR_SOCKET_BUFFER_SIZE')
  Object.defineProperty(error, 'name', { value: 'SystemError', writable: true, configurable: true })
  return Object.assign(error, { info: { errno, code, message, syscall }, errno, syscall })
}

/** Converts an error of this package to one of node:dgram. */
export function nodeError(error: unknown, syscall: string, ip?: string, port?: number): Error {
  if (error instanceof SocketError && error.errno !== undefined) {
    const converted = callError(syscall, error.errno, ip, port)
    converted.cause = error
    return converted
  }
  const { code } = error as { code?: unknown }
  return code === 'ERR_INVALID_ADDRESS' || code === 'ERR_OUT_OF_RANGE'
    ? refused(syscall, ip, port)
    : (error as Error)
}
