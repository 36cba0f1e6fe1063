import { checkBatch, MessageBatch } from '../message/batch'
import type { Message } from '../message'
import { closed, invalidType, systemError, withProgress } from '../errors'
import { NextMessage, Recvmmsg, Sendmmsg } from '../operations/batch'
import { Transfer } from '../operations/splice'
import { Sendfile, type SendfileDriver } from '../operations/sendfile'
import { AF_UNIX, SOCK_DGRAM } from '../constants'
import { BaseSocket, isUnixDatagram } from './base'
import type { FileLike } from '../validators'
import { inContext } from '../runtime/context'
import { reactor } from '../reactor'
import { errnoOf } from '../errors/errno'
import type { ZeroCopyStatistics } from '../reactor/zerocopy-sender'
import type { Operation } from '../reactor/operation'
import { OperationSocket, type RecvmsgOptions } from './nonblocking'
import { checkFd, checkFlags, checkInteger, checkOp, fieldsOfOp, ownOp, type Op } from '../validators'

/** Room for what can be switched on for a datagram, in a batch. */
const CONTROL_ROOM = 512

/** Options of sendfile. */
export interface SendfileOptions extends Op {
  /** Where in the file to begin, in bytes. Default 0; the file's own position is neither used nor moved. */
  offset?: number | undefined
  /** How many bytes to send at most. Default: up to the end of the file. */
  length?: number | undefined
  /** Called with the bytes sent so far and the bytes to send, after each chunk. */
  onProgress?: ((sent: number, total: number) => void) | undefined
}

/** Options of splice. */
export interface SpliceOptions extends Op {
  /** How many bytes to move at most. Default: until the stream ends. */
  length?: number | undefined
  /** Called with the bytes moved so far, after each portion. */
  onProgress?: ((moved: number) => void) | undefined
}

export const SENDFILE_FIELDS = ['offset', 'length', 'onProgress'] satisfies (keyof SendfileOptions)[]
export const SPLICE_FIELDS = ['length', 'onProgress'] satisfies (keyof SpliceOptions)[]

/** The options of splice after the checks. */
export interface SpliceRange {
  length: number
  onProgress: ((moved: number) => void) | undefined
}

/**
 * The definitions and `tryX` forms of what moves much at once: batches of messages, files, and what the kernel
 * moves without copying.
 */
export abstract class TransferSocket extends OperationSocket {
  // --- definitions ---

  protected recvmmsgOperation(batch: MessageBatch, flags: number): Recvmmsg {
    return new Recvmmsg(this.channel, checkBatch(batch), flags, this.family === AF_UNIX)
  }

  protected sendmmsgOperation(batch: MessageBatch, flags: number, now: boolean): Sendmmsg {
    checkBatch(batch).prepare(this)
    return new Sendmmsg(this.channel, batch, flags, this.family === AF_UNIX, isUnixDatagram(this), now)
  }

  protected sendfileOperation(
    file: FileLike,
    options: SendfileOptions | number | undefined,
    driver: SendfileDriver,
  ): Sendfile {
    const { offset = 0, length, onProgress } = fieldsOfOp(options)
    const range = {
      offset: checkInteger('options.offset', offset, 0, Number.MAX_SAFE_INTEGER),
      length:
        length === undefined ? length : checkInteger('options.length', length, 0, Number.MAX_SAFE_INTEGER),
      onProgress: checkProgress(onProgress),
    }
    return new Sendfile(this.channel, checkFd('file', file), range, driver)
  }

  /** Makes the operations of a loop over messages. */
  protected messageOperation(
    size: number,
    flags: number,
    options: RecvmsgOptions & { batch: number },
  ): () => Operation<Message> {
    const { batch: count, controlSize = CONTROL_ROOM } = options
    const one = (): Operation<Message> => this.recvmsgOperation(size, flags, options)
    if (count === 1 || this.family === AF_UNIX) return one
    one() // for its checks
    const batch = new MessageBatch({ count, size, controlSize })
    return () => new NextMessage(this.channel, batch, flags)
  }

  protected spliceOperation(to: BaseSocket | FileLike): Transfer {
    if (to instanceof BaseSocket && to.closed) throw closed('splice')
    checkSpliceable(this)
    return new Transfer(this.channel, to instanceof BaseSocket ? to.channel : checkFd('to', to))
  }

  /** What the zero-copy sends of this socket came to. */
  zeroCopyStatistics(): ZeroCopyStatistics {
    return (
      this.channel.extras?.zeroCopy?.statistics ?? { sends: 0, bytes: 0, copied: 0, fallbacks: 0, pending: 0 }
    )
  }

  // --- now or never ---

  /**
   * splice, now or never: the bytes that could be moved, 0 at the end of the stream, or `null`. What `to` does not
   * take is left to the next receive.
   */
  trySplice(to: BaseSocket | FileLike, options?: SpliceOptions): number | null {
    const own = ownOp(options)
    checkOp(own, null, SPLICE_FIELDS)
    const { length } = checkSplice(own)
    const transfer = this.spliceOperation(to)
    try {
      const got = reactor.attemptNow(this.channel, transfer.fill(length))
      if (got === null || got === 0) return got
      reactor.attemptNow(transfer.target, transfer.flush(true))
      return transfer.moved > 0 ? transfer.moved : null
    } catch (error) {
      throw withProgress(error as Error, transfer.moved)
    } finally {
      transfer.close()
    }
  }

  /** recvmmsg(2), now or never: the number of messages, or `null`. */
  tryRecvmmsg(batch: MessageBatch, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.recvmmsgOperation(batch, checkFlags(flags)))
  }

  /** sendmmsg(2), now or never: how many messages could be sent, or `null` for none. */
  trySendmmsg(batch: MessageBatch, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendmmsgOperation(batch, checkFlags(flags), true))
  }

  /** sendfile(2), now or never: what could be sent without waiting for the peer or a disk, or `null`. */
  trySendfile(file: FileLike, options?: SendfileOptions): number | null {
    const own = ownOp(options)
    checkOp(own, null, SENDFILE_FIELDS)
    return reactor.attemptNow(this.channel, this.sendfileOperation(file, own, 'now'))
  }
}

/** Refuses a source that keeps borders: they would be lost, and an empty datagram would pass for the end. */
export function checkSpliceable(from: BaseSocket): void {
  if (from.type !== SOCK_DGRAM) return
  throw systemError('splice', errnoOf('EINVAL'), { subject: 'from a datagram socket: it takes streams' })
}

/** Checks the options of splice. */
export function checkSplice(options: SpliceOptions | number | undefined): SpliceRange {
  const { length = Number.MAX_SAFE_INTEGER, onProgress } = fieldsOfOp(options)
  return {
    length: checkInteger('options.length', length, 0, Number.MAX_SAFE_INTEGER),
    onProgress: checkProgress(onProgress),
  }
}

function checkProgress<Arguments extends unknown[]>(
  listener: ((...args: Arguments) => void) | undefined,
): typeof listener {
  if (listener === undefined) return undefined
  if (typeof listener !== 'function') throw invalidType('options.onProgress', 'function', listener)
  return inContext(listener)
}
