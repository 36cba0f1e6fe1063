import type { Address, AddressLike, AnyUnixAddress } from '../address'
import { READ, WRITE } from '../binding/shared'
import { AF_UNIX, SOCK_STREAM, type Family, type SocketKind, type SocketType } from '../constants'
import { closed, timedOut, withProgress, type SocketError } from '../errors'
import type { ErrorRecord } from '../errqueue/record'
import type { Message } from '../message'
import type { MessageBatch } from '../message/batch'
import { connectResult } from '../operations/connect'
import { checkSyncReceive, checkSyncSend } from '../operations/flags'
import {
  receivedFds,
  RECVMSG_FIELDS,
  type OutgoingMessage,
  type ReceivedFds,
  type RecvmsgOptions,
  type TimestampedMessage,
} from '../operations/message'
import { SENDFILE_FIELDS, type SendfileOptions } from '../operations/sendfile'
import { checkSplice, SPLICE_FIELDS, type SpliceOptions } from '../operations/splice'
import { SendStamped, type TimestampedSend } from '../operations/timestamp'
import { block } from '../reactor/blocking'
import type { Operation } from '../reactor/operation'
import { type FileLike, fieldsOfOp, ownOp, type Op, type Waiting } from '../validators'
import { isStream } from './base'
import { type Adoption, adoptSocket, createPair, duplicateSocket } from './create'
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
import type { ReaderOptions } from './reader-options'
import { SocketReader } from './sync-reader'
import { blockTimestamped } from './timestamped'
import { ZeroCopyCall, type ZeroCopyBatchResult, type ZeroCopyResult } from './zerocopy'
import type { NonSharedBuffer } from '../runtime/buffer'
import { performance } from '../runtime/clock'

/**
 * Describes the options of a blocking operation: those of `Op` without a signal, which cannot fire while a call
 * blocks.
 */
export type SyncOp = Omit<Op, 'signal'>

/**
 * Represents an open socket with operations that block the thread, for scripts, workers and tests. socket(2)
 *
 * Options, addresses and errors are the same as those of `Socket` in `bsd-sockets`. `detach()` and `adopt()`
 * convert from one class to the other. While a call blocks, no timer and no JavaScript signal handler runs.
 */
export class Socket<A extends Address = Address, K extends SocketKind = SocketKind> extends NonblockingSocket<
  A,
  K
> {
  /** Creates two AF_UNIX stream sockets that are connected to each other. socketpair(2) */
  static pair(): [Socket<AnyUnixAddress, 'stream'>, Socket<AnyUnixAddress, 'stream'>]
  /**
   * Creates two sockets that are connected to each other. socketpair(2)
   *
   * The default is an AF_UNIX SOCK_STREAM pair.
   */
  static pair<A extends Address = Address, K extends SocketKind = SocketKind>(
    family: Family<A> | undefined,
    type?: SocketType<K> | number,
    protocol?: number,
  ): [Socket<A, K>, Socket<A, K>]
  /**
   * Creates two connected sockets of a family that only the running program knows. socketpair(2)
   *
   * A plain `number`, or a choice of several families, gives every kind of address.
   */
  static pair<K extends SocketKind = SocketKind>(
    family: number | undefined,
    type?: SocketType<K> | number,
    protocol?: number,
  ): [Socket<Address, K>, Socket<Address, K>]
  static pair(family: number = AF_UNIX, type: number = SOCK_STREAM, protocol = 0): [Socket, Socket] {
    const pair = createPair(family, type, protocol)
    return [new Socket(pair[0]), new Socket(pair[1])]
  }

  /**
   * Takes ownership of an open file descriptor that is a socket. The returned Socket closes it.
   *
   * Sets O_NONBLOCK, which all holders of the open socket share. Does not change close-on-exec: Node sets it at its start
   * for every inherited descriptor, and `setInheritable` changes it.
   *
   * If the call throws, for example `EBADF` or `ENOTSOCK`, the caller still owns the descriptor. Throws `EBUSY` if an
   * open Socket of this thread owns the descriptor.
   */
  static adopt(fd: number): Socket {
    return new Socket(adoptSocket(fd))
  }

  /** Creates a second Socket on the same open socket, with close-on-exec. See also the method `dup`. dup(2) */
  static dup<A extends Address, K extends SocketKind>(socket: Socket<A, K>): Socket<A, K>
  /** Creates a Socket on a duplicate of a file descriptor, with close-on-exec. fcntl(2) F_DUPFD_CLOEXEC */
  static dup(fd: number | { readonly fd: number }): Socket
  static dup(fd: number | { readonly fd: number }): Socket {
    return new Socket(duplicateSocket(fd))
  }

  /** Creates a second Socket on the same open socket, with close-on-exec and the same `timeout`. dup(2) */
  dup(): Socket<A, K> {
    if (this.closed) throw closed('dup')
    const copy = Socket.dup<A, K>(this)
    copy.timeout = this.timeout
    return copy
  }

  /** @internal */
  protected fromAdoption(adoption: Adoption): this {
    return new Socket<A, K>(adoption) as this
  }

  /**
   * Connects the socket to an address. connect(2)
   *
   * After a timeout the kernel continues the attempt. Call `connect` again to wait for the same attempt.
   */
  connect(address: AddressLike<A>, op?: SyncOp | number): void {
    const waiting = checkSyncSend(op, this.timeout)
    this.#block(this.connectOperation(address), waiting)
  }

  /**
   * Connects like `connect`, and returns a positive errno, or 0 on success. connect(2)
   *
   * Invalid arguments still throw.
   */
  connectEx(address: AddressLike<A>, op?: SyncOp | number): number {
    try {
      this.connect(address, op)
      return 0
    } catch (error) {
      return connectResult(error)
    }
  }

  /** Accepts the next connection and returns its Socket. accept(2) */
  accept(op?: SyncOp | number): this {
    return this.#block(this.acceptOperation(), checkSyncReceive(op, this.timeout))
  }

  /** Receives up to `size` bytes into a new Buffer, which is empty at the end of the stream. recv(2) */
  recv(size: number, op?: SyncOp | number): NonSharedBuffer {
    const waiting = checkSyncReceive(op, this.timeout)
    return this.#block(this.recvOperation(size, waiting.flags), waiting)
  }

  /** Receives into `buffer` and returns the number of bytes, 0 at the end of the stream. recv(2) */
  recvInto(buffer: ArrayBufferView, op?: SyncOp | number): number {
    const waiting = checkSyncReceive(op, this.timeout)
    return this.#block(this.recvIntoOperation(buffer, waiting.flags), waiting)
  }

  /**
   * Receives up to `size` bytes and the address of the sender. recvfrom(2)
   *
   * `address` is `null` on a connected stream.
   */
  recvfrom(size: number, op?: SyncOp | number): { data: NonSharedBuffer; address: A | null } {
    const waiting = checkSyncReceive(op, this.timeout)
    return this.#block(this.recvfromOperation(size, waiting.flags), waiting)
  }

  /** Receives into `buffer` and returns the number of bytes and the address of the sender. recvfrom(2) */
  recvfromInto(buffer: ArrayBufferView, op?: SyncOp | number): { bytes: number; address: A | null } {
    const waiting = checkSyncReceive(op, this.timeout)
    return this.#block(this.recvfromIntoOperation(buffer, waiting.flags), waiting)
  }

  /**
   * Sends `data` and returns the number of bytes that the kernel accepted. send(2)
   *
   * On a stream the number may be less than the size of `data`. `sendAll` sends everything.
   */
  send(data: ArrayBufferView, op?: SyncOp | number): number {
    const waiting = checkSyncSend(op, this.timeout)
    return this.#block(this.sendOperation(data, waiting.flags), waiting)
  }

  /**
   * Sends all bytes of `data`, with one timeout for the whole operation. send(2)
   *
   * An error has `bytesSent`.
   */
  sendAll(data: ArrayBufferView, op?: SyncOp | number): void {
    const waiting = checkSyncSend(op, this.timeout)
    this.#block(this.sendAllOperation(data, waiting.flags), waiting)
  }

  /** Sends one datagram to `address`, or for `null` to the connected peer, and returns the number of bytes. sendto(2) */
  sendto(data: ArrayBufferView, address: AddressLike<A> | null, op?: SyncOp | number): number {
    const waiting = checkSyncSend(op, this.timeout)
    return this.#block(this.sendtoOperation(data, address, waiting.flags), waiting)
  }

  /**
   * Receives one message with its sender and its control messages. recvmsg(2)
   *
   * `into` is the size in bytes of a new Buffer, a buffer to fill, or several buffers to fill in turn.
   */
  recvmsg(
    into: number | ArrayBufferView | ArrayBufferView[],
    op?: Omit<RecvmsgOptions, 'signal'> | number,
  ): Message<A> {
    const own = ownOp(op)
    const waiting = checkSyncReceive(own, this.timeout, RECVMSG_FIELDS)
    return this.#block(this.recvmsgOperation(into, waiting.flags, fieldsOfOp(own)), waiting)
  }

  /** Sends one message with its control messages and returns the number of bytes. sendmsg(2) */
  sendmsg(message: OutgoingMessage<A>, op?: SyncOp | number): number
  /** Sends one message, waits for its transmit timestamp, and returns both. sendmsg(2), SO_TIMESTAMPING */
  sendmsg(message: TimestampedMessage<A>, op?: SyncOp | number): TimestampedSend
  sendmsg(
    message: OutgoingMessage<A> | TimestampedMessage<A>,
    op?: SyncOp | number,
  ): number | TimestampedSend {
    const waiting = checkSyncSend(op, this.timeout)
    const operation = this.sendmsgOperation(message, waiting.flags, false)
    if (operation instanceof SendStamped) return blockTimestamped(this.channel, operation, waiting)
    return this.#block(operation, waiting)
  }

  /**
   * Receives between 1 and 64 records from the error queue. recvmsg(2) with MSG_ERRQUEUE
   *
   * Linux only, else `ENOSYS`.
   */
  receiveErrors(op?: SyncOp | number): ErrorRecord[] {
    const waiting = checkSyncReceive(op, this.timeout)
    return this.#block(this.receiveErrorsOperation(), waiting)
  }

  /**
   * Returns an iterator over the records of the error queue that ends when the socket is closed. See
   * `receiveErrors`.
   */
  errors(op?: SyncOp | number): IterableIterator<ErrorRecord> {
    const waiting = checkSyncReceive(op, this.timeout)
    this.receiveErrorOperation() // throws if the socket has no error queue
    return this.#eachError(waiting)
  }

  /** Sends `data` with up to 253 file descriptors over AF_UNIX and returns the number of bytes. unix(7) SCM_RIGHTS */
  sendFds(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    op?: SyncOp | number,
  ): number {
    const waiting = checkSyncSend(op, this.timeout)
    return this.#block(this.sendFdsOperation(data, fds, waiting.flags), waiting)
  }

  /** Receives up to `size` bytes and up to `maxFds` file descriptors over AF_UNIX. unix(7) SCM_RIGHTS */
  recvFds(size: number, maxFds: number, op?: SyncOp | number): ReceivedFds<A> {
    const waiting = checkSyncReceive(op, this.timeout)
    return receivedFds(this.#block(this.recvFdsOperation(size, maxFds, waiting.flags), waiting))
  }

  /** Receives the messages that are available, at least one, into `batch` and returns their number. recvmmsg(2) */
  recvmmsg(batch: MessageBatch, op?: SyncOp | number): number {
    const waiting = checkSyncReceive(op, this.timeout)
    return this.#block(this.recvmmsgOperation(batch, waiting.flags), waiting)
  }

  /**
   * Sends every message of `batch` and returns their number. sendmmsg(2)
   *
   * An error has `messagesSent`.
   */
  sendmmsg(batch: MessageBatch, op?: SyncOp | number): number {
    const waiting = checkSyncSend(op, this.timeout)
    return this.#block(this.sendmmsgOperation(batch, waiting.flags, false), waiting)
  }

  /**
   * Sends a file, or a range of it, without copying it through this process. sendfile(2)
   *
   * Returns the number of bytes. An error has `bytesSent`.
   */
  sendfile(file: FileLike, options?: Omit<SendfileOptions, 'signal'> | number): number {
    const own = ownOp(options)
    const waiting = checkSyncSend(own, this.timeout, SENDFILE_FIELDS)
    return this.#block(this.sendfileOperation(file, own, 'blocking'), waiting)
  }

  /**
   * Sends all bytes of `data` without copying them in the kernel. send(2) with MSG_ZEROCOPY
   *
   * Returns when the kernel no longer needs the memory. Copies if another holder may have the open socket: after
   * `adopt`, `dup`, `setInheritable(true)` or a read of `fd`. If the kernel still sends when the socket is closed, the
   * end of the stream needs a turn of the event loop. Linux, TCP, UDP and AF_VSOCK, else `EOPNOTSUPP`.
   */
  sendZeroCopy(data: ArrayBufferView, op?: SyncOp | number): ZeroCopyResult
  /**
   * Sends all bytes of several views without copying them in the kernel. send(2) with MSG_ZEROCOPY
   *
   * Makes one system call for each view: on a datagram socket each is a datagram. `buffers` of the result gives the
   * memory back.
   */
  sendZeroCopy(data: readonly ArrayBufferView[], op?: SyncOp | number): ZeroCopyBatchResult
  sendZeroCopy(data: unknown, op?: SyncOp | number): ZeroCopyResult | ZeroCopyBatchResult {
    const waiting = checkSyncSend(op, this.timeout)
    const call = new ZeroCopyCall(this.channel, data, waiting, isStream(this))
    const end = (): void => block(this.channel, call.end(), waiting.timeout === 0 ? null : waiting.timeout)
    try {
      const bytes = this.#block(call.sending, waiting)
      if (call.lent) end()
      return call.succeed(bytes)
    } catch (error) {
      try {
        if (call.endsSoon) end()
      } catch {
        // The error of the send is the one to report.
      }
      throw call.fail(error)
    }
  }

  /**
   * Moves received bytes to another socket, a pipe or a file, without copying them through this process. splice(2)
   *
   * Returns the number of bytes. An error has that number as `bytesSent`. Stream sockets on Linux, else `ENOSYS`.
   */
  splice(to: Socket | FileLike, options?: Omit<SpliceOptions, 'signal'> | number): number {
    const own = ownOp(options)
    const { length, onProgress } = checkSplice(own)
    const { timeout } = checkSyncReceive(own, this.timeout, SPLICE_FIELDS)
    const end = timeout === null || timeout === 0 ? null : performance.now() + timeout
    const left = (): number | null => (end === null ? timeout : Math.max(0.001, end - performance.now()))
    const transfer = this.spliceOperation(to)
    try {
      while (transfer.moved < length) {
        if (block(this.channel, transfer.fill(length - transfer.moved), left()) === 0) break
        block(transfer.target, transfer.flush(true), left())
        onProgress?.(transfer.moved)
        // onProgress may have closed the target: throw now instead of waiting for the source.
        if (transfer.target.fd < 0) throw closed('splice')
      }
      return transfer.moved
    } catch (error) {
      const late = (error as SocketError).code === 'ERR_SOCKET_TIMEOUT'
      throw withProgress(late ? timedOut('splice', timeout!) : (error as Error), transfer.moved)
    } finally {
      transfer.close()
    }
  }

  /** Waits until the socket is readable, the peer has finished, or the socket has failed. poll(2) */
  readable(op?: SyncOp | number): void {
    this.#block(this.readyOperation(READ), checkSyncReceive(op, this.timeout))
  }

  /** Waits until the socket is writable or has failed. poll(2) */
  writable(op?: SyncOp | number): void {
    this.#block(this.readyOperation(WRITE), checkSyncSend(op, this.timeout))
  }

  /** Returns an iterator over incoming connections that ends when the listening socket is closed. */
  connections(op?: SyncOp | number): IterableIterator<this> {
    return this.#pull(
      () => this.acceptOperation(),
      checkSyncReceive(op, this.timeout),
      () => false,
    )
  }

  /** Returns an iterator over received data that ends when the peer has finished or the socket is closed. */
  chunks(options?: Omit<ChunksOptions, 'signal'>): IterableIterator<NonSharedBuffer> {
    const own = ownOp(options)
    const waiting = checkSyncReceive(own, this.timeout, CHUNKS_FIELDS)
    const { size } = checkChunks(own)
    const isEnd = (data: NonSharedBuffer): boolean => data.length === 0 && hasEnded(this)
    return this.#pull(() => this.recvOperation(size, waiting.flags), waiting, isEnd)
  }

  /**
   * Returns an iterator over messages, see `recvmsg`.
   *
   * The iterator ends when a connected peer has finished or the socket is closed.
   */
  messages(options?: Omit<MessagesOptions, 'signal'>): IterableIterator<Message<A>> {
    const own = ownOp(options)
    const waiting = checkSyncReceive(own, this.timeout, MESSAGES_FIELDS)
    const { size, ...given } = checkMessages(own)
    const isEnd = (message: Message<A>): boolean => message.bytes === 0 && hasEnded(this)
    return this.#pull(this.messageOperation(size, waiting.flags, given), waiting, isEnd)
  }

  /**
   * Returns a reader that returns lines, parts of a known size, or parts up to a delimiter.
   *
   * The options are the defaults of its calls. Throws `EOPNOTSUPP` if this is not a stream socket.
   */
  reader(options?: Omit<ReaderOptions, 'signal'>): SocketReader {
    return new SocketReader(this, options)
  }

  *#eachError(waiting: Waiting): IterableIterator<ErrorRecord> {
    while (!this.closed) yield this.#block(this.receiveErrorOperation(), waiting)
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
