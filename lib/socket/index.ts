import type { Socket as NetSocket } from 'node:net'
import type { Address, AddressLike } from '../address'
import { native } from '../binding/binding'
import { READ, WRITE } from '../binding/shared'
import { AF_UNIX, SOCK_STREAM } from '../constants'
import { SocketError } from '../errors'
import { EAGAIN } from '../errors/errno'
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
import { Send } from '../operations/send'
import { SENDFILE_FIELDS, type SendfileOptions } from '../operations/sendfile'
import { checkSplice, SPLICE_FIELDS, type SpliceOptions } from '../operations/splice'
import { reactor } from '../reactor'
import type { Operation } from '../reactor/operation'
import { type FileLike, checkOp, fieldsOfOp, ownOp, type Op, type Waiting } from '../validators'
import { isStream } from './base'
import { type Adoption, adoptSocket, createPair, duplicateSocket } from './create'
import { ErrorIterator } from './error-iterator'
import {
  CHUNKS_FIELDS,
  MESSAGES_FIELDS,
  checkChunks,
  checkMessages,
  hasEnded,
  Pull,
  type ChunksOptions,
  type MessagesOptions,
} from './iteration'
import { NonblockingSocket } from './nonblocking'
import { runTransfer } from './splice'
import { SocketDuplex, type SocketDuplexOptions } from './streams/duplex'
import { toNetSocket } from './streams/net'
import { toWebStreams, type WebOptions, type WebStreams } from './streams/web'
import { planZeroCopy, runZeroCopy, type ZeroCopyResult } from './zerocopy'

/**
 * A socket, socket(2), with promises. Linux and macOS.
 *
 * Operations in one direction run in the order in which they were called; reading and writing do not
 * wait for each other. Every argument is checked before any system call. What a signal, a timeout or
 * `close()` takes back leaves no trace but the bytes that were already sent.
 */
export class Socket extends NonblockingSocket {
  /** socketpair(2): two sockets connected to each other. Default AF_UNIX, SOCK_STREAM. */
  static pair(family: number = AF_UNIX, type: number = SOCK_STREAM, protocol = 0): [Socket, Socket] {
    const [first, second] = createPair(family, type, protocol)
    return [new Socket(first), new Socket(second)]
  }

  /**
   * Takes a descriptor over: the socket will close it. Family, type and protocol are read from the kernel
   * (protocol is 0 where it does not tell). `ENOTSOCK`, `EBADF`; then it stays yours.
   */
  static adopt(fd: number): Socket {
    return new Socket(adoptSocket(fd))
  }

  /** A socket on a duplicate of the descriptor (F_DUPFD_CLOEXEC); the original stays whose it is. */
  static dup(fd: number | { readonly fd: number }): Socket {
    return new Socket(duplicateSocket(fd))
  }

  /** A second socket on the same open socket, dup(2), close-on-exec, with the same timeout. */
  dup(): Socket {
    const copy = Socket.dup(this)
    copy.timeout = this.timeout
    return copy
  }

  protected fromAdoption(adoption: Adoption): this {
    return new Socket(adoption) as this
  }

  /**
   * connect(2). On a stream it waits for the peer, on a datagram socket it sets the default destination
   * (`{ family: AF_UNSPEC, data }` takes it away). A signal that fires closes the socket, since a connect
   * cannot be taken back; after a timeout it goes on, and calling again waits for the same attempt.
   */
  async connect(address: AddressLike, op?: Op | number): Promise<void> {
    const waiting = checkOp(op, this.timeout)
    const operation = this.connectOperation(address)
    try {
      await this.#submit(operation, waiting)
    } catch (error) {
      if (operation.started && (error as Error).name === 'AbortError') this.close()
      throw error
    }
  }

  /**
   * connect(2) with the errno as the result: 0 or a positive number, also for a timeout (`EAGAIN`, and with a timeout
   * of 0 the kernel's own `EINPROGRESS`).
   * Bad arguments and signals still throw.
   */
  async connectEx(address: AddressLike, op?: Op | number): Promise<number> {
    try {
      await this.connect(address, op)
      return 0
    } catch (error) {
      return connectResult(error)
    }
  }

  /** accept(2): the next connection. Its `remoteAddress` is known without another system call. */
  accept(op?: Op | number): Promise<this> {
    try {
      const waiting = checkOp(op, this.timeout)
      return this.#submit(this.acceptOperation(), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * recv(2): up to `size` bytes in a Buffer of their own; an empty one at the end of the stream (or for an
   * empty datagram). A datagram that is longer loses its rest, unless `MSG_PEEK` leaves it there. Those below 4 KiB
   * lie side by side in 16 KiB of memory, as those of `Buffer.allocUnsafe` do: copy what you keep for long.
   */
  recv(size: number, op?: Op | number): Promise<Buffer> {
    try {
      const waiting = checkOp(op, this.timeout)
      return this.#submit(this.recvOperation(size, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * recv(2) into your buffer: the number of bytes, 0 at the end of the stream. With `MSG_TRUNC` the real
   * length of a datagram, which may be more than fits. The buffer is written to only before the
   * promise settles; `ERR_BUFFER_DETACHED` if it was detached or made smaller meanwhile.
   */
  recvInto(buffer: ArrayBufferView, op?: Op | number): Promise<number> {
    try {
      if (op === undefined) {
        return reactor.submit(this.channel, this.recvIntoOperation(buffer, 0), this.timeout, undefined)
      }
      const waiting = checkOp(op, this.timeout)
      return this.#submit(this.recvIntoOperation(buffer, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** recvfrom(2): a datagram and who sent it; `address` is `null` on a connected stream. */
  recvfrom(size: number, op?: Op | number): Promise<{ data: Buffer; address: Address | null }> {
    try {
      const waiting = checkOp(op, this.timeout)
      return this.#submit(this.recvfromOperation(size, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** recvfrom(2) into your buffer. */
  recvfromInto(
    buffer: ArrayBufferView,
    op?: Op | number,
  ): Promise<{ bytes: number; address: Address | null }> {
    return this.#run(op, ({ flags }) => this.recvfromIntoOperation(buffer, flags))
  }

  /** send(2): the number of bytes taken, which on a stream may be fewer than given. See sendAll. */
  send(data: ArrayBufferView, op?: Op | number): Promise<number> {
    try {
      if (op === undefined && ArrayBuffer.isView(data)) return this.#sendAtOnce(data)
      const waiting = checkOp(op, this.timeout)
      return this.#submit(this.sendOperation(data, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * send(2) until all of it is sent, under one deadline. An error, a timeout or a signal carries
   * `bytesSent`. At least one call is made, so an empty datagram goes out.
   */
  sendAll(data: ArrayBufferView, op?: Op | number): Promise<void> {
    return this.#run(op, ({ flags }) => this.sendAllOperation(data, flags))
  }

  /**
   * sendto(2): one datagram. On AF_UNIX every call looks the path up: connect() is twice as fast. A full
   * AF_UNIX receiver never makes the sender writable, so it is tried again after 1 to 16 ms.
   */
  sendto(data: ArrayBufferView, address: AddressLike, op?: Op | number): Promise<number> {
    return this.#run(op, ({ flags }) => this.sendtoOperation(data, address, flags))
  }

  /**
   * recvmsg(2): one message with everything that came beside its data. `into` is a size for a Buffer of its
   * own, your buffer, or several that are filled in turn. Descriptors are closed unless `fds: 'receive'`
   * asks for them; what did not fit is told by `truncated` and `controlTruncated`.
   */
  recvmsg(
    into: number | ArrayBufferView | ArrayBufferView[],
    op?: RecvmsgOptions | number,
  ): Promise<Message> {
    return this.#run(
      op,
      (waiting, own) => this.recvmsgOperation(into, waiting.flags, fieldsOfOp(own)),
      RECVMSG_FIELDS,
    )
  }

  /**
   * sendmsg(2): one message, gathered from one buffer or several, with control messages beside it
   * (`control.ttl(8)`, `control.packetInfo({ source })`). The number of bytes.
   */
  sendmsg(message: OutgoingMessage, op?: Op | number): Promise<number> {
    return this.#run(op, ({ flags }) => this.sendmsgOperation(message, flags, false))
  }

  /**
   * recvmsg(2) with MSG_ERRQUEUE: the records on the socket's error queue, at least one and at most 64, in
   * order. They are ICMP errors and own `EMSGSIZE` after `receiveMeta({ errors: true })`, timestamps of what was
   * sent after SO_TIMESTAMPING, packets that missed their SCM_TXTIME. Operations that wait hear of an error
   * before it is read here. Linux only (`ENOSYS`); AF_INET, AF_INET6, AF_PACKET, AF_CAN and AF_VSOCK, else
   * `EOPNOTSUPP`. ip(7)
   */
  receiveErrors(op?: Op | number): Promise<ErrorRecord[]> {
    return this.#run(op, () => this.receiveErrorsOperation())
  }

  /**
   * The same one by one, for `for await`. Ends when the socket is closed or the signal fires; with a timeout, a
   * wait that is too long throws `ERR_SOCKET_TIMEOUT`.
   */
  errors(op?: Op | number): AsyncIterableIterator<ErrorRecord> {
    const waiting = checkOp(op, this.timeout)
    this.receiveErrorsOperation(1) // throws where there is no error queue
    return new ErrorIterator(() => {
      const operation = this.receiveErrorsOperation(1)
      return {
        record: this.#submit(operation, waiting).then(records => records[0]!),
        cancel: reason => reactor.cancel(this.channel, operation, reason),
      }
    })
  }

  /**
   * Sends data and up to 253 descriptors with it over AF_UNIX, SCM_RIGHTS of unix(7). The receiver gets
   * duplicates; yours stay open. On a stream at least one byte has to go with them.
   */
  sendFds(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    op?: Op | number,
  ): Promise<number> {
    return this.#run(op, ({ flags }) => this.sendFdsOperation(data, fds, flags))
  }

  /**
   * Receives data and at most `maxFds` descriptors, each close-on-exec and owned by an FdHandle. More are
   * closed, and `flags` then has `MSG_CTRUNC`.
   */
  async recvFds(size: number, maxFds: number, op?: Op | number): Promise<ReceivedFds> {
    const waiting = checkOp(op, this.timeout)
    return receivedFds(await this.#submit(this.recvFdsOperation(size, maxFds, waiting.flags), waiting))
  }

  /**
   * recvmmsg(2): as many messages as are there and as the batch has room for, at least one. The number of messages.
   * With `controlSize` on AF_UNIX, descriptors that come with them are closed: `recvFds` keeps them.
   * Linux: one system call; elsewhere one for each message.
   */
  recvmmsg(batch: MessageBatch, op?: Op | number): Promise<number> {
    return this.#run(op, ({ flags }) => this.recvmmsgOperation(batch, flags))
  }

  /**
   * sendmmsg(2): every message of the batch, in order. The number of messages; a failure carries `messagesSent`
   * and names the address of the message that failed. The batch is not to be changed before it ends.
   */
  sendmmsg(batch: MessageBatch, op?: Op | number): Promise<number> {
    return this.#run(op, ({ flags }) => this.sendmmsgOperation(batch, flags, false))
  }

  /**
   * sendfile(2): sends a file, or a range of it, without copying it through this process. Resolves with
   * the number of bytes. A part of the file that is not in memory is read by a thread, never by
   * the event loop, and a file of a network or FUSE file system always is. A timeout, a signal and `close()` end the wait for such
   * a thread at once. What is written to the file while it is on its way is sent as it then is.
   * `ERR_FILE_TRUNCATED` if the file became shorter; every error carries `bytesSent`.
   */
  sendfile(file: FileLike, options?: SendfileOptions | number): Promise<number> {
    return this.#run(
      options,
      (waiting, own) => this.sendfileOperation(file, own, waiting.timeout === 0 ? 'once' : 'reactor'),
      SENDFILE_FIELDS,
    )
  }

  /**
   * send(2) with MSG_ZEROCOPY: the kernel sends from this memory without copying it. Resolves when it is done with it,
   * which on TCP is when the peer has acknowledged all bytes. Until then the memory is rented: the ArrayBuffer
   * behind `data` is detached, and `buffer` in the result gives it back. Memory of `allocZeroCopy` stays in place, and
   * must not be written to meanwhile. `copied` tells that the kernel copied after all, as it does on loopback;
   * where it does so again and again, most sends are made as ordinary ones, which need no renting. Worth it
   * from some 16 KiB on, and for memory that is not in the cache.
   *
   * A failure carries `bytesSent`, and `buffer` unless the kernel still reads it. `close()` lets the kernel finish: what
   * was queued goes out for up to 30 seconds. Pooled Buffers, shared and resizable memory are a `TypeError`.
   * Of the Sockets on one open socket (`dup`) only the first that does so sends without copying, as long as it is
   * open: the kernel numbers the sends of all of them together. The others copy; read no errors through those.
   * Linux, TCP, UDP and AF_VSOCK: `EOPNOTSUPP` elsewhere.
   */
  async sendZeroCopy(data: ArrayBufferView, op?: Op | number): Promise<ZeroCopyResult> {
    const waiting = checkOp(op, this.timeout)
    return runZeroCopy(this.channel, planZeroCopy(this.channel, data, waiting, isStream(this)), waiting)
  }

  /**
   * splice(2): moves what this stream socket receives to another socket, a pipe or a file, without copying it through
   * this process, until the stream ends or `length` bytes are moved. Resolves with their number; a failure
   * carries it as `bytesSent`, and bytes that were taken but not delivered are given back to the next receive.
   * A regular file is written by a thread; a transfer that ends early waits for
   * it for at most 100 ms, after which `bytesSent` does not count what the file may still take. Of somebody else's descriptors only those that do not block
   * are taken. Linux; `ENOSYS` elsewhere: see relay.
   */
  async splice(to: Socket | FileLike, options?: SpliceOptions | number): Promise<number> {
    const own = ownOp(options)
    const range = checkSplice(own)
    const waiting = checkOp(own, this.timeout, SPLICE_FIELDS)
    return runTransfer(this.spliceOperation(to), range, waiting)
  }

  /**
   * Waits until there is something to read, the peer has finished, or the socket failed. The next receive then tells the
   * error. On a socket with an error queue (`receiveMeta({ errors: true })`, timestamps, zero-copy sends) a pending error
   * rejects here instead, and records of the queue alone wake nobody: `receiveErrors()` waits for them.
   */
  readable(op?: Op | number): Promise<void> {
    try {
      return this.#submit(this.readyOperation(READ), checkOp(op, this.timeout))
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Waits until something can be sent, or the socket failed. Errors as with `readable()`. */
  writable(op?: Op | number): Promise<void> {
    try {
      return this.#submit(this.readyOperation(WRITE), checkOp(op, this.timeout))
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Every connection, one after the other: `for await (const client of listener.connections())`. Ends when the
   * listener is closed, throws what accept throws. Leaving the loop leaves the listener open.
   */
  connections(op?: Op | number): AsyncIterableIterator<this> {
    return new Pull(
      this,
      () => this.acceptOperation(),
      checkOp(op, this.timeout),
      () => false,
    )
  }

  /**
   * What comes, in Buffers of their own, until the peer has ended or the socket is closed; a datagram is one chunk.
   * Nothing is received before the loop asks for it, and `timeout` is for each chunk.
   */
  chunks(options?: ChunksOptions): AsyncIterableIterator<Buffer> {
    const own = ownOp(options)
    const waiting = checkOp(own, this.timeout, CHUNKS_FIELDS)
    const { size } = checkChunks(own)
    const isEnd = (data: Buffer): boolean => data.length === 0 && hasEnded(this)
    return new Pull(this, () => this.recvOperation(size, waiting.flags), waiting, isEnd)
  }

  /**
   * Every message with its sender and what came beside it, see recvmsg, until the socket is closed or a connected
   * peer has ended. `size` is the room for each, 65536 by default. With `batch` one call receives so many at most
   * (recvmmsg); what a loop that is left early has not taken is the next such loop's. Not on AF_UNIX, where
   * descriptors may come with each: there it is one by one.
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<Message> {
    const own = ownOp(options)
    const waiting = checkOp(own, this.timeout, MESSAGES_FIELDS)
    const { size, ...given } = checkMessages(own)
    const isEnd = (message: Message): boolean => message.bytes === 0 && hasEnded(this)
    const next = this.messageOperation(size, waiting.flags, given)
    return new Pull(this, next, waiting, isEnd)
  }

  /**
   * A stream.Duplex that owns this socket: for `pipeline`, and for `tls.connect({ socket })`, `http` and whatever
   * else takes a Duplex. `end()` is shutdown(2) of the writing side. On sockets that keep borders one `write`
   * is one message and so is one `data`.
   */
  toDuplex(options?: SocketDuplexOptions): SocketDuplex {
    return new SocketDuplex(this, options)
  }

  /** The two sides as streams of the web, which own this socket. Of a stream socket `readable` is a byte stream. */
  toWeb(options?: WebOptions): WebStreams {
    return toWebStreams(this, options)
  }

  /**
   * Gives the descriptor to a net.Socket and is closed itself. TCP, MPTCP and AF_UNIX streams only; others are
   * `ERR_FEATURE_UNAVAILABLE`. `EBUSY` while operations wait.
   */
  toNetSocket(): NetSocket {
    return toNetSocket(this)
  }

  // Nearly every send succeeds at once: then there is nothing to remember about it.
  #sendAtOnce(data: ArrayBufferView): Promise<number> {
    const { channel, timeout } = this
    if (channel.fd >= 0 && channel.head(WRITE) === null && reactor.hasBudget(channel)) {
      const result = native.send(channel.id, data)
      if (result === EAGAIN && timeout !== 0)
        return reactor.wait(channel, new Send(channel, data, 0), timeout, undefined)
      channel.budget--
      if (result >= 0) return Promise.resolve(result)
      return Promise.reject(new Send(channel, data, 0).failure(result))
    }
    return reactor.submit(channel, new Send(channel, data, 0), timeout, undefined)
  }

  /** Checks the options, makes the operation and submits it. A misused argument rejects. */
  #run<T, O extends Op>(
    op: O | number | undefined,
    make: (waiting: Waiting, own: O | number | undefined) => Operation<T>,
    fields?: readonly string[],
  ): Promise<T> {
    try {
      const own = fields === undefined ? op : ownOp(op)
      const waiting = checkOp(own, this.timeout, fields)
      return this.#submit(make(waiting, own), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #submit<T>(operation: Operation<T>, waiting: Waiting): Promise<T> {
    return reactor.submit(this.channel, operation, waiting.timeout, waiting.signal)
  }

  // Left out on purpose (docs/left-out.md says why):
  // - names in addresses: createConnection and getaddrinfo look them up
  // - strings as data
  // - events: toDuplex() has them
  // - makefile(): toDuplex(), toWeb(), chunks()
  // - setBlocking(): `timeout`, and the Socket of bsd-sockets/sync
  // - sendmsgAll(): a Duplex sends corked writes whole, in few calls
  // - trySendZeroCopy(): the end of such a send is never known at once
}

/** The positive errno of a failed connect; anything else is thrown again. */
export function connectResult(error: unknown): number {
  if (error instanceof SocketError) {
    if (error.code === 'ERR_SOCKET_TIMEOUT') return -EAGAIN
    if (error.errno !== undefined && error.syscall === 'connect') return -error.errno
  }
  throw error
}
