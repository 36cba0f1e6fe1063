import { native } from '../binding/binding'
import { invalidType, type SocketError } from '../errors'
import { RECVMSG_FIELDS, type RecvmsgOptions } from '../operations/message'
import { reactor } from '../reactor'
import type { Operation } from '../reactor/operation'
import { checkInteger, checkSize, type Op, type Waiting } from '../validators'
import { type BaseSocket, isStream } from './base'

/** Options of chunks. */
export interface ChunksOptions extends Op {
  /** Bytes in one chunk at most. Default 65536. */
  size?: number | undefined
}

/** Options of messages: those of recvmsg, and these. */
export interface MessagesOptions extends RecvmsgOptions {
  /** How many messages one system call may receive. Default 1. */
  batch?: number | undefined
  /** Bytes of room for each message. Default 65536; a longer one is `truncated`. */
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

export function checkMessages(options: unknown): RecvmsgOptions & { batch: number; size: number } {
  const given = checkObject(options) as MessagesOptions
  return {
    controlSize: given.controlSize,
    fds: given.fds,
    size: given.size === undefined ? SIZE : checkSize('options.size', given.size),
    batch: given.batch === undefined ? 1 : checkInteger('options.batch', given.batch, 1, MAX_MESSAGES),
  }
}

function checkObject(options: unknown): object {
  if (options === undefined) return NONE
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'object', options)
  return options
}

const { POLLRDHUP, FIONREAD } = native.constants

/**
 * Whether an empty receive means the end. An empty message looks the same: it is one unless the peer sends no more
 * and nothing is left. (An empty record right before the end is not told apart from it.)
 */
export function hasEnded(socket: BaseSocket): boolean {
  if (isStream(socket) || POLLRDHUP === undefined) return true
  const descriptor = Int32Array.of(socket.fd, POLLRDHUP, 0)
  native.poll(descriptor, 0)
  if ((descriptor[2]! & POLLRDHUP) === 0) return false
  // A family without FIONREAD cannot say that something is left. (AF_VSOCK before Linux 6.10.)
  const left = Int32Array.of(0)
  return native.ioctl(socket.channel.id, FIONREAD!, left) < 0 || left[0] === 0
}

/** True when the reason is that the socket was closed or given away by its owner. */
export function isOwnEnd(socket: BaseSocket, error: unknown): boolean {
  const { code } = error as SocketError
  return socket.closed && (code === 'ECANCELED' || code === 'EBADF')
}

/**
 * One operation after the other until the end. Nothing is asked of the kernel before the loop wants it, and
 * what waits is taken back by `return()`, so nothing is received for nobody.
 */
export class Pull<T> implements AsyncIterableIterator<T> {
  #done = false
  #first: Operation<T> | null
  readonly #pending = new Set<Operation<T>>()

  constructor(
    private readonly socket: BaseSocket,
    private readonly make: () => Operation<T>,
    private readonly waiting: Waiting,
    private readonly isEnd: (value: T) => boolean,
  ) {
    this.#first = make() // here, so that bad options are refused at once
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done || this.socket.closed) return this.#end()
    const { timeout, signal } = this.waiting
    const operation = this.#first ?? this.make()
    this.#first = null
    this.#pending.add(operation)
    try {
      const value = await reactor.submit(this.socket.channel, operation, timeout, signal)
      return this.isEnd(value) ? this.#end() : { value, done: false }
    } catch (error) {
      if (this.#done || isOwnEnd(this.socket, error)) return this.#end()
      this.#done = true
      throw error
    } finally {
      this.#pending.delete(operation)
    }
  }

  /** Takes back what waits, whose `next()` is then done too. The socket stays open. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#done = true
    for (const operation of this.#pending) reactor.cancel(this.socket.channel, operation, returned)
    return Promise.resolve(this.#end())
  }

  #end(): IteratorResult<T, undefined> {
    this.#done = true
    return { value: undefined, done: true }
  }
}

/** Nobody sees it: next() turns it into the end. */
const returned = new Error('the iterator was left')
