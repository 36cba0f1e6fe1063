import type { Address, AddressLike } from '../address'
import { READ, WRITE } from '../binding/shared'
import { AF_UNIX, SOCK_STREAM } from '../constants'
import { closed, timedOut, withProgress, type SocketError } from '../errors'
import type { ErrorRecord } from '../errqueue/record'
import type { Message } from '../message'
import type { MessageBatch } from '../message/batch'
import {
  receivedFds,
  RECVMSG_FIELDS,
  type OutgoingMessage,
  type ReceivedFds,
  type RecvmsgOptions,
} from '../operations/message'
import { SENDFILE_FIELDS, type SendfileOptions } from '../operations/sendfile'
import { checkSplice, SPLICE_FIELDS, type SpliceOptions } from '../operations/splice'
import { block } from '../reactor/blocking'
import type { Operation } from '../reactor/operation'
import { type FileLike, checkSyncOp, fieldsOfOp, ownOp, type Op, type Waiting } from '../validators'
import { isStream } from './base'
import { type Adoption, adoptSocket, createPair, duplicateSocket } from './create'
import { connectResult } from './index'
import {
  CHUNKS_FIELDS,
  MESSAGES_FIELDS,
  checkChunks,
  checkMessages,
  hasEnded,
  type ChunksOptions,
  type MessagesOptions,
} from './iteration'
import { NonblockingSocket } from './nonblocking'
import { planZeroCopy, type ZeroCopyResult } from './zerocopy'

/** An Op without a signal: while a call blocks, nothing can fire one. */
export type SyncOp = Omit<Op, 'signal'>

/**
 * The same socket with calls that block the thread: for scripts, workers and tests. Options, addresses
 * and errors are those of `Socket` in `bsd-sockets`, and `detach()` and `adopt()` lead from one to the other.
 * While a call blocks no timer fires and no JavaScript signal handler runs.
 */
export class Socket extends NonblockingSocket {
  /** socketpair(2): two sockets connected to each other. Default AF_UNIX, SOCK_STREAM. */
  static pair(family: number = AF_UNIX, type: number = SOCK_STREAM, protocol = 0): [Socket, Socket] {
    const [first, second] = createPair(family, type, protocol)
    return [new Socket(first), new Socket(second)]
  }

  /** Takes a descriptor over: the socket will close it. */
  static adopt(fd: number): Socket {
    return new Socket(adoptSocket(fd))
  }

  /** A socket on a duplicate of the descriptor (F_DUPFD_CLOEXEC). */
  static dup(fd: number | { readonly fd: number }): Socket {
    return new Socket(duplicateSocket(fd))
  }

  /** A second socket on the same open socket, dup(2). */
  dup(): Socket {
    const copy = Socket.dup(this)
    copy.timeout = this.timeout
    return copy
  }

  protected fromAdoption(adoption: Adoption): this {
    return new Socket(adoption) as this
  }

  /** connect(2). After a timeout the attempt goes on; calling again waits for it. */
  connect(address: AddressLike, op?: SyncOp | number): void {
    const waiting = checkSyncOp(op, this.timeout)
    this.#block(this.connectOperation(address), waiting)
  }

  /** connect(2) with the errno as the result: 0 or a positive number. */
  connectEx(address: AddressLike, op?: SyncOp | number): number {
    try {
      this.connect(address, op)
      return 0
    } catch (error) {
      return connectResult(error)
    }
  }

  /** accept(2): the next connection. */
  accept(op?: SyncOp | number): this {
    return this.#block(this.acceptOperation(), checkSyncOp(op, this.timeout))
  }

  /** recv(2): up to `size` bytes; an empty Buffer at the end of the stream. */
  recv(size: number, op?: SyncOp | number): Buffer {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.recvOperation(size, waiting.flags), waiting)
  }

  /** recv(2) into your buffer: the number of bytes. */
  recvInto(buffer: ArrayBufferView, op?: SyncOp | number): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.recvIntoOperation(buffer, waiting.flags), waiting)
  }

  /** recvfrom(2): a datagram and who sent it. */
  recvfrom(size: number, op?: SyncOp | number): { data: Buffer; address: Address | null } {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.recvfromOperation(size, waiting.flags), waiting)
  }

  /** recvfrom(2) into your buffer. */
  recvfromInto(buffer: ArrayBufferView, op?: SyncOp | number): { bytes: number; address: Address | null } {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.recvfromIntoOperation(buffer, waiting.flags), waiting)
  }

  /** send(2): the number of bytes taken. */
  send(data: ArrayBufferView, op?: SyncOp | number): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.sendOperation(data, waiting.flags), waiting)
  }

  /** send(2) until all of it is sent, under one deadline; errors carry `bytesSent`. */
  sendAll(data: ArrayBufferView, op?: SyncOp | number): void {
    const waiting = checkSyncOp(op, this.timeout)
    this.#block(this.sendAllOperation(data, waiting.flags), waiting)
  }

  /** sendto(2): one datagram. */
  sendto(data: ArrayBufferView, address: AddressLike, op?: SyncOp | number): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.sendtoOperation(data, address, waiting.flags), waiting)
  }

  /** recvmsg(2): one message with everything that came beside its data. */
  recvmsg(
    into: number | ArrayBufferView | ArrayBufferView[],
    op?: Omit<RecvmsgOptions, 'signal'> | number,
  ): Message {
    const own = ownOp(op)
    const waiting = checkSyncOp(own, this.timeout, RECVMSG_FIELDS)
    return this.#block(this.recvmsgOperation(into, waiting.flags, fieldsOfOp(own)), waiting)
  }

  /** sendmsg(2): one message with control messages beside it. */
  sendmsg(message: OutgoingMessage, op?: SyncOp | number): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.sendmsgOperation(message, waiting.flags, false), waiting)
  }

  /** recvmsg(2) with MSG_ERRQUEUE: what is on the error queue, at least one record. Linux only. */
  receiveErrors(op?: SyncOp | number): ErrorRecord[] {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.receiveErrorsOperation(), waiting)
  }

  /** The same one by one, for a loop, until the socket is closed. */
  errors(op?: SyncOp | number): IterableIterator<ErrorRecord> {
    const waiting = checkSyncOp(op, this.timeout)
    this.receiveErrorsOperation(1) // throws where there is no error queue
    return this.#eachError(waiting)
  }

  /** Sends data and up to 253 descriptors with it over AF_UNIX. */
  sendFds(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    op?: SyncOp | number,
  ): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.sendFdsOperation(data, fds, waiting.flags), waiting)
  }

  /** Receives data and at most `maxFds` descriptors. */
  recvFds(size: number, maxFds: number, op?: SyncOp | number): ReceivedFds {
    const waiting = checkSyncOp(op, this.timeout)
    return receivedFds(this.#block(this.recvFdsOperation(size, maxFds, waiting.flags), waiting))
  }

  /** recvmmsg(2): the messages that are there, at least one; how many. */
  recvmmsg(batch: MessageBatch, op?: SyncOp | number): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.recvmmsgOperation(batch, waiting.flags), waiting)
  }

  /** sendmmsg(2): every message of the batch; how many. Errors carry `messagesSent`. */
  sendmmsg(batch: MessageBatch, op?: SyncOp | number): number {
    const waiting = checkSyncOp(op, this.timeout)
    return this.#block(this.sendmmsgOperation(batch, waiting.flags, false), waiting)
  }

  /** sendfile(2): a file, or a range of it, without copying it through this process. */
  sendfile(file: FileLike, options?: Omit<SendfileOptions, 'signal'> | number): number {
    const own = ownOp(options)
    const waiting = checkSyncOp(own, this.timeout, SENDFILE_FIELDS)
    return this.#block(this.sendfileOperation(file, own, 'blocking'), waiting)
  }

  /** send(2) with MSG_ZEROCOPY; returns when the kernel is done with the memory. Linux. */
  sendZeroCopy(data: ArrayBufferView, op?: SyncOp | number): ZeroCopyResult {
    const waiting = checkSyncOp(op, this.timeout)
    const plan = planZeroCopy(this.channel, data, waiting, isStream(this))
    try {
      if (plan.send === null) {
        this.#block(plan.ordinary!, waiting)
        return plan.succeed(0)
      }
      const bytes = this.#block(plan.send, waiting)
      block(this.channel, plan.end, waiting.timeout === 0 ? null : waiting.timeout)
      return plan.succeed(bytes)
    } catch (error) {
      throw plan.fail(error)
    }
  }

  /** splice(2): what this stream receives, to another socket, a pipe or a file; the bytes moved. Linux. */
  splice(to: Socket | FileLike, options?: Omit<SpliceOptions, 'signal'> | number): number {
    const own = ownOp(options)
    const { length, onProgress } = checkSplice(own)
    const { timeout } = checkSyncOp(own, this.timeout, SPLICE_FIELDS)
    const end = timeout === null || timeout === 0 ? null : performance.now() + timeout
    const left = (): number | null => (end === null ? timeout : Math.max(0.001, end - performance.now()))
    const transfer = this.spliceOperation(to)
    try {
      while (transfer.moved < length) {
        if (block(this.channel, transfer.fill(length - transfer.moved), left()) === 0) break
        block(transfer.target, transfer.flush(true), left())
        onProgress?.(transfer.moved)
        if (transfer.target.fd < 0) throw closed('splice') // before it waits for the source
      }
      return transfer.moved
    } catch (error) {
      const late = (error as SocketError).code === 'ERR_SOCKET_TIMEOUT'
      throw withProgress(late ? timedOut('splice', timeout!) : (error as Error), transfer.moved)
    } finally {
      transfer.close()
    }
  }

  /** Waits until there is something to read, the peer has finished, or the socket failed. */
  readable(op?: SyncOp | number): void {
    this.#block(this.readyOperation(READ), checkSyncOp(op, this.timeout))
  }

  /** Waits until something can be sent, or the socket failed. */
  writable(op?: SyncOp | number): void {
    this.#block(this.readyOperation(WRITE), checkSyncOp(op, this.timeout))
  }

  /** Every connection, one after the other, until the listener is closed. */
  connections(op?: SyncOp | number): IterableIterator<this> {
    return this.#pull(
      () => this.acceptOperation(),
      checkSyncOp(op, this.timeout),
      () => false,
    )
  }

  /** What comes, until the peer has ended or the socket is closed. */
  chunks(options?: Omit<ChunksOptions, 'signal'>): IterableIterator<Buffer> {
    const own = ownOp(options)
    const waiting = checkSyncOp(own, this.timeout, CHUNKS_FIELDS)
    const { size } = checkChunks(own)
    const isEnd = (data: Buffer): boolean => data.length === 0 && hasEnded(this)
    return this.#pull(() => this.recvOperation(size, waiting.flags), waiting, isEnd)
  }

  /** Every message, see recvmsg, until a connected peer has ended or the socket is closed. */
  messages(options?: Omit<MessagesOptions, 'signal'>): IterableIterator<Message> {
    const own = ownOp(options)
    const waiting = checkSyncOp(own, this.timeout, MESSAGES_FIELDS)
    const { size, ...given } = checkMessages(own)
    const isEnd = (message: Message): boolean => message.bytes === 0 && hasEnded(this)
    return this.#pull(this.messageOperation(size, waiting.flags, given), waiting, isEnd)
  }

  *#eachError(waiting: Waiting): IterableIterator<ErrorRecord> {
    while (!this.closed) yield* this.#block(this.receiveErrorsOperation(1), waiting)
  }

  *#pull<T>(make: () => Operation<T>, waiting: Waiting, isEnd: (value: T) => boolean): IterableIterator<T> {
    while (!this.closed) {
      const value = this.#block(make(), waiting)
      if (isEnd(value)) return
      yield value
    }
  }

  #block<T>(operation: Operation<T>, waiting: Waiting): T {
    return block(this.channel, operation, waiting.timeout)
  }
}
