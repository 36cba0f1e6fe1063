import { native } from '../binding/binding'
import { constants, FIONREAD } from '../constants'
import { invalidType, type SocketError } from '../errors'
import { RECVMSG_FIELDS, type RecvmsgOptions } from '../operations/message'
import { reactor } from '../reactor'
import type { Operation } from '../reactor/operation'
import { SafeSet } from '../runtime/collections'
import { checkSize, type Op, type Waiting } from '../validators'
import { checkInteger } from '../errors/argument'
import { type BaseSocket, isStream } from './base'

/** Describes the options of `chunks`. */
export interface ChunksOptions extends Op {
  /** The maximum number of bytes in one chunk. Default 65536. */
  size?: number | undefined
}

/** Describes the options of `messages`, which include those of `recvmsg`. */
export interface MessagesOptions extends RecvmsgOptions {
  /** The maximum number of messages per system call, 1 to 1024. Default 64 on datagram and raw sockets, else 1. */
  batch?: number | undefined
  /** The maximum number of bytes in one message. Default 65536. A longer message is `truncated`. */
  size?: number | undefined
}

export const CHUNKS_FIELDS = ['size'] satisfies (keyof ChunksOptions)[]
export const MESSAGES_FIELDS = [...RECVMSG_FIELDS, 'batch', 'size'] satisfies (keyof MessagesOptions)[]

const SIZE = 65536
const MAX_MESSAGES = 1024
const NONE = Object.freeze({ __proto__: null })

export function checkChunks(options: unknown): { size: number } {
  const given = checkObject(options) as ChunksOptions
  return {
    size: given.size === undefined ? SIZE : checkInteger('options.size', given.size, 1, 0x7fffffff),
  }
}

export function checkMessages(
  options: unknown,
): RecvmsgOptions & { batch: number | undefined; size: number } {
  const given = checkObject(options) as MessagesOptions
  return {
    controlSize: given.controlSize,
    fds: given.fds,
    size: given.size === undefined ? SIZE : checkSize('options.size', given.size),
    batch:
      given.batch === undefined ? undefined : checkInteger('options.batch', given.batch, 1, MAX_MESSAGES),
  }
}

function checkObject(options: unknown): object {
  if (options === undefined) return NONE
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'object', options)
  return options
}

const { POLLRDHUP } = constants

/**
 * Returns whether an empty receive means the end of the connection.
 *
 * An empty message looks the same. It means the end if the peer has shut down its writing side and no data is left.
 * An empty record right before the end is taken for the end.
 */
export function hasEnded(socket: BaseSocket): boolean {
  if (socket.channel.leftover !== null) return false
  if (isStream(socket) || POLLRDHUP === undefined) return true
  const descriptor = Int32Array.of(socket.channel.fd, POLLRDHUP, 0)
  native.poll(descriptor, 0)
  if ((descriptor[2]! & POLLRDHUP) === 0) return false
  // FIONREAD fails if the family does not support it (AF_VSOCK before Linux 6.10). Assume that nothing is left.
  const left = Int32Array.of(0)
  return native.ioctl(socket.channel.id, FIONREAD, left) < 0 || left[0] === 0
}

/** True if the operation failed because this socket was closed or detached. */
export function isOwnEnd(socket: BaseSocket, error: unknown): boolean {
  const { code } = error as SocketError
  return socket.closed && (code === 'ECANCELED' || code === 'EBADF')
}

/**
 * Runs one operation after the other until the end. An operation starts only when the loop requests a value.
 * `return()` cancels the waiting operations, so no received data is lost.
 */
export class Pull<T> implements AsyncIterableIterator<T> {
  #done = false
  /**
   * The operation that waits: a loop has one at a time. A Set reallocates its table when it is emptied and filled
   * again.
   */
  #waits: Operation<T> | null = null
  /** The operations of callers that do not await the previous `next()`. */
  #others: SafeSet<Operation<T>> | null = null

  constructor(
    private readonly socket: BaseSocket,
    private readonly make: () => Operation<T>,
    private readonly waiting: Waiting,
    private readonly isEnd: (value: T) => boolean,
  ) {
    make() // throws for invalid options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done || this.socket.closed) return Promise.resolve(this.#end())
    const { timeout, signal } = this.waiting
    try {
      const operation = this.make()
      const value = reactor.start(this.socket.channel, operation, timeout, signal)
      return value instanceof Promise ? this.#wait(operation, value) : Promise.resolve(this.#step(value))
    } catch (error) {
      return this.#fail(error)
    }
  }

  async #wait(operation: Operation<T>, value: Promise<T>): Promise<IteratorResult<T, undefined>> {
    if (this.#waits === null) this.#waits = operation
    else (this.#others ??= new SafeSet()).add(operation)
    try {
      return this.#step(await value)
    } catch (error) {
      return await this.#fail(error)
    } finally {
      if (this.#waits === operation) this.#waits = null
      else this.#others?.delete(operation)
    }
  }

  #step(value: T): IteratorResult<T, undefined> {
    return this.isEnd(value) ? this.#end() : { value, done: false }
  }

  #fail(error: unknown): Promise<IteratorResult<T, undefined>> {
    if (this.#done || isOwnEnd(this.socket, error)) return Promise.resolve(this.#end())
    this.#done = true
    return Promise.reject(error as Error)
  }

  /** Cancels the waiting operations, which ends their `next()`. The socket stays open. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#done = true
    const cancel = (operation: Operation<T>): void => reactor.cancel(this.socket.channel, operation, returned)
    if (this.#waits !== null) cancel(this.#waits)
    this.#others?.forEach(cancel)
    return Promise.resolve(this.#end())
  }

  #end(): IteratorResult<T, undefined> {
    this.#done = true
    return { value: undefined, done: true }
  }
}

/** The reason of a cancelled operation. Callers never get it: next() returns the end instead. */
const returned = new Error('the iterator has ended')
