import type { Socket as NetSocket } from 'node:net'
import type { Address, AddressLike, AnyUnixAddress } from '../address'
import { native } from '../binding/binding'
import { READ, WRITE } from '../binding/shared'
import { AF_UNIX, SOCK_STREAM, type Family, type SocketKind, type SocketType } from '../constants'
import { closed, SocketError } from '../errors'
import { EAGAIN } from '../errors/errno'
import type { ErrorRecord } from '../errqueue/record'
import type { Message } from '../message'
import type { MessageBatch } from '../message/batch'
import { checkReceive, checkSend } from '../operations/flags'
import {
  receivedFds,
  RECVMSG_FIELDS,
  type OutgoingMessage,
  type ReceivedFds,
  type RecvmsgOptions,
  type TimestampedMessage,
} from '../operations/message'
import { Send, whenConnected } from '../operations/send'
import { SENDFILE_FIELDS, type SendfileOptions } from '../operations/sendfile'
import { checkSplice, SPLICE_FIELDS, type SpliceOptions } from '../operations/splice'
import { SendStamped, type TimestampedSend } from '../operations/timestamp'
import { reactor } from '../reactor'
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
  Pull,
  type ChunksOptions,
  type MessagesOptions,
} from './iteration'
import { NonblockingSocket } from './nonblocking'
import { toDgram, type DgramOptions } from './dgram'
import type { DgramSocket } from './dgram/socket'
import { onMessage, type OnMessageOptions, type Reception } from './on-message'
import { SocketReader } from './reader'
import type { ReaderOptions } from './reader-options'
import { runTransfer } from './splice'
import { SocketDuplex, type SocketDuplexOptions } from './streams/duplex'
import { toNetSocket } from './streams/net'
import { toWebStreams, type WebOptions, type WebStreams } from './streams/web'
import { runTimestamped } from './timestamped'
import { planZeroCopy, runZeroCopy, type ZeroCopyResult } from './zerocopy'

/**
 * Represents an open socket with promise-based operations. socket(2)
 *
 * Operations in the same direction run in the order of the calls. Reads and writes do not wait for each other.
 * Every argument is checked before any system call. If a signal, a timeout or `close()` ends an operation, the
 * operation has no effect, except for the bytes that it already sent. Linux and macOS.
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
    const [first, second] = createPair(family, type, protocol)
    return [new Socket(first), new Socket(second)]
  }

  /**
   * Takes ownership of an open file descriptor that is a socket. The returned Socket closes it.
   *
   * Sets O_NONBLOCK, which all holders of the open socket share. Does not change close-on-exec: Node sets it at its start
   * for every inherited descriptor, and `setInheritable` changes it.
   *
   * Family, type and protocol are read from the kernel. `protocol` is 0 if the system cannot report it. If the call
   * throws, for example `EBADF` or `ENOTSOCK`, the caller still owns the descriptor. Throws `EBUSY` if an open Socket
   * of this thread owns the descriptor: use `dup` to share it, or `detach` to take it over.
   */
  static adopt(fd: number): Socket {
    return new Socket(adoptSocket(fd))
  }

  /** Creates a second Socket on the same open socket, with close-on-exec. See also the method `dup`. dup(2) */
  static dup<A extends Address, K extends SocketKind>(socket: Socket<A, K>): Socket<A, K>
  /**
   * Creates a Socket on a duplicate of a file descriptor, with close-on-exec. fcntl(2) F_DUPFD_CLOEXEC
   *
   * The original descriptor keeps its owner.
   */
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
   * On a stream socket the promise resolves when the connection is established. On a datagram socket the call sets
   * the default destination, and `{ family: AF_UNSPEC, data }` removes it.
   *
   * If the signal fires, the socket is closed, because a connect cannot be undone. After a timeout the kernel
   * continues the attempt. Call `connect` again to wait for the same attempt.
   */
  async connect(address: AddressLike, op?: Op | number): Promise<void> {
    const waiting = checkSend(op, this.timeout)
    const operation = this.connectOperation(address)
    try {
      await this.#submit(operation, waiting)
    } catch (error) {
      if (operation.started && (error as Error).name === 'AbortError') this.close()
      throw error
    }
  }

  /**
   * Connects like `connect`, and resolves with a positive errno, or 0 on success. connect(2)
   *
   * A timeout resolves with `EAGAIN`. A `timeout` of 0 resolves with the kernel's `EINPROGRESS`. Invalid arguments
   * and signals still reject.
   */
  async connectEx(address: AddressLike, op?: Op | number): Promise<number> {
    try {
      await this.connect(address, op)
      return 0
    } catch (error) {
      return connectResult(error)
    }
  }

  /**
   * Accepts the next connection and resolves with its Socket. accept(2)
   *
   * The `remoteAddress` of the new socket is available without another system call.
   */
  accept(op?: Op | number): Promise<this> {
    return this.#run(checkReceive, op, () => this.acceptOperation())
  }

  /**
   * Receives up to `size` bytes into a new Buffer. recv(2)
   *
   * Resolves with an empty Buffer at the end of the stream, and for an empty datagram. If a datagram is longer than
   * `size`, the kernel drops the rest, unless `MSG_PEEK` is set.
   *
   * With `MSG_WAITALL`, a stream socket resolves when `size` bytes have arrived or the stream has ended. After a
   * timeout, a signal or an error, the next receive returns the bytes that had arrived.
   *
   * Results below 4 KiB share blocks of 16 KiB of memory, like those of `Buffer.allocUnsafe`. Copy a small Buffer
   * that you keep for a long time.
   */
  recv(size: number, op?: Op | number): Promise<Buffer> {
    try {
      const waiting = checkReceive(op, this.timeout)
      return this.#submit(this.recvOperation(size, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Receives into `buffer` and resolves with the number of bytes, 0 at the end of the stream. recv(2)
   *
   * With `MSG_TRUNC` the result is the real length of a datagram, which may exceed the size of `buffer`. Nothing is
   * written to `buffer` after the promise settles. Rejects with `ERR_BUFFER_DETACHED` if `buffer` is detached or
   * shrinks while the operation waits.
   */
  recvInto(buffer: ArrayBufferView, op?: Op | number): Promise<number> {
    try {
      if (op === undefined) {
        return reactor.submit(this.channel, this.recvIntoOperation(buffer, 0), this.timeout, undefined)
      }
      const waiting = checkReceive(op, this.timeout)
      return this.#submit(this.recvIntoOperation(buffer, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Receives up to `size` bytes and the address of the sender. recvfrom(2)
   *
   * `address` is `null` on a connected stream.
   */
  recvfrom(size: number, op?: Op | number): Promise<{ data: Buffer; address: A | null }> {
    try {
      const waiting = checkReceive(op, this.timeout)
      return this.#submit(this.recvfromOperation(size, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Receives into `buffer` and resolves with the number of bytes and the address of the sender. recvfrom(2) */
  recvfromInto(buffer: ArrayBufferView, op?: Op | number): Promise<{ bytes: number; address: A | null }> {
    return this.#run(checkReceive, op, ({ flags }) => this.recvfromIntoOperation(buffer, flags))
  }

  /**
   * Sends `data` and resolves with the number of bytes that the kernel accepted. send(2)
   *
   * On a stream the number may be less than the size of `data`. `sendAll` sends everything.
   */
  send(data: ArrayBufferView, op?: Op | number): Promise<number> {
    try {
      if (op === undefined && ArrayBuffer.isView(data)) return this.#sendAtOnce(data)
      const waiting = checkSend(op, this.timeout)
      return this.#submit(this.sendOperation(data, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Sends all bytes of `data`, with one timeout for the whole operation. send(2)
   *
   * If it fails, times out or is aborted, the error has `bytesSent`. Empty `data` still makes one call, so that an
   * empty datagram can be sent.
   */
  sendAll(data: ArrayBufferView, op?: Op | number): Promise<void> {
    return this.#run(checkSend, op, ({ flags }) => this.sendAllOperation(data, flags))
  }

  /**
   * Sends one datagram to `address` and resolves with the number of bytes. sendto(2)
   *
   * An address of `null`, which `recvfrom` returns for a sender without an address, sends to the connected peer.
   * Without a peer the kernel returns an error, such as `EDESTADDRREQ`.
   *
   * On AF_UNIX the kernel looks up the path for every call. A connected socket sends twice as fast. If an AF_UNIX
   * receiver is full, the send is retried after 1 to 16 ms. poll(2) does not report when the receiver has room again.
   *
   * With `MSG_FASTOPEN` a TCP socket connects to `address` and sends as many bytes as fit into the SYN. If the kernel
   * has no cookie of that server yet, the promise waits for the connection and sends then. Linux.
   */
  sendto(data: ArrayBufferView, address: AddressLike | null, op?: Op | number): Promise<number> {
    return this.#run(checkSend, op, ({ flags }) => this.sendtoOperation(data, address, flags))
  }

  /**
   * Receives one message with its sender and its control messages. recvmsg(2)
   *
   * `into` is the size in bytes of a new Buffer, a buffer to fill, or several buffers to fill in turn. If data or
   * control messages did not fit, `truncated` or `controlTruncated` is true. Received file descriptors are closed,
   * unless the options contain `fds: 'receive'`.
   */
  recvmsg(
    into: number | ArrayBufferView | ArrayBufferView[],
    op?: RecvmsgOptions | number,
  ): Promise<Message<A>> {
    return this.#run(
      checkReceive,
      op,
      (waiting, own) => this.recvmsgOperation(into, waiting.flags, fieldsOfOp(own)),
      RECVMSG_FIELDS,
    )
  }

  /**
   * Sends one message and resolves with the number of bytes. sendmsg(2)
   *
   * `message.data` is one buffer, or several that are sent together. `message.control` holds control messages, such
   * as `control.ttl(8)` or `control.packetInfo({ source })`.
   */
  sendmsg(message: OutgoingMessage, op?: Op | number): Promise<number>
  /**
   * Sends one message, waits for its transmit timestamp, and resolves with both. sendmsg(2), SO_TIMESTAMPING
   *
   * `timestamp` is the time at which the kernel handed the packet to the device, in nanoseconds since 1970. It is
   * comparable with `clock.realtimeNs()`. On TCP it is the time of the last byte that was accepted.
   *
   * Set a `timeout`: no timestamp comes if the kernel drops the packet (no neighbor, a full queue), or if the device
   * takes no timestamps. The error then has `bytesSent`, because the message was queued. A later timestamp goes to
   * `receiveErrors`.
   *
   * Linux, else `ENOSYS`. UDP, TCP, ping, raw, AF_PACKET and AF_CAN sockets, else `EOPNOTSUPP`.
   */
  sendmsg(message: TimestampedMessage, op?: Op | number): Promise<TimestampedSend>
  sendmsg(
    message: OutgoingMessage | TimestampedMessage,
    op?: Op | number,
  ): Promise<number | TimestampedSend> {
    try {
      const waiting = checkSend(op, this.timeout)
      const operation = this.sendmsgOperation(message, waiting.flags, false)
      if (operation instanceof SendStamped) return runTimestamped(this.channel, operation, waiting)
      return this.#submit(operation, waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Receives between 1 and 64 records from the error queue, in order. recvmsg(2) with MSG_ERRQUEUE, ip(7)
   *
   * The records are ICMP errors and local `EMSGSIZE` errors after `receiveMeta({ errors: true })`, send timestamps
   * after SO_TIMESTAMPING, and packets that missed their SCM_TXTIME. Waiting operations can fail with an error
   * before its record is read here.
   *
   * Linux only, else `ENOSYS`. AF_INET, AF_INET6, AF_PACKET, AF_CAN and AF_VSOCK, else `EOPNOTSUPP`.
   */
  receiveErrors(op?: Op | number): Promise<ErrorRecord[]> {
    return this.#run(checkReceive, op, () => this.receiveErrorsOperation())
  }

  /**
   * Returns an async iterator over the records of the error queue, see `receiveErrors`.
   *
   * The iterator ends when the socket is closed. It throws an `AbortError` if the signal fires, and
   * `ERR_SOCKET_TIMEOUT` if the wait for a record exceeds the timeout. Unread records stay in the queue.
   */
  errors(op?: Op | number): AsyncIterableIterator<ErrorRecord> {
    return new Pull(
      this,
      () => this.receiveErrorOperation(),
      checkReceive(op, this.timeout),
      () => false,
    )
  }

  /**
   * Sends `data` with up to 253 file descriptors over AF_UNIX. unix(7) SCM_RIGHTS
   *
   * Resolves with the number of bytes. The receiver gets duplicates, and the caller's descriptors stay open. On a
   * stream, `data` must have at least one byte. Without descriptors, sends plain data.
   */
  sendFds(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    op?: Op | number,
  ): Promise<number> {
    return this.#run(checkSend, op, ({ flags }) => this.sendFdsOperation(data, fds, flags))
  }

  /**
   * Receives up to `size` bytes and up to `maxFds` file descriptors over AF_UNIX. unix(7) SCM_RIGHTS
   *
   * Each descriptor is close-on-exec and owned by an FdHandle. If more than `maxFds` arrive, the surplus is closed
   * and `flags` contains `MSG_CTRUNC`.
   */
  async recvFds(size: number, maxFds: number, op?: Op | number): Promise<ReceivedFds<A>> {
    const waiting = checkReceive(op, this.timeout)
    return receivedFds(await this.#submit(this.recvFdsOperation(size, maxFds, waiting.flags), waiting))
  }

  /**
   * Receives the messages that are available, at least one, into `batch`. recvmmsg(2)
   *
   * Resolves with the number of messages. File descriptors that arrive on AF_UNIX are closed; use `recvFds` to
   * receive them. Linux receives the batch in one system call. macOS needs one call for each message.
   */
  recvmmsg(batch: MessageBatch, op?: Op | number): Promise<number> {
    return this.#run(checkReceive, op, ({ flags }) => this.recvmmsgOperation(batch, flags))
  }

  /**
   * Sends every message of `batch`, in order, and resolves with their number. sendmmsg(2)
   *
   * An error has `messagesSent` and the address of the message that failed. Do not change `batch` before the
   * promise settles.
   */
  sendmmsg(batch: MessageBatch, op?: Op | number): Promise<number> {
    return this.#run(checkSend, op, ({ flags }) => this.sendmmsgOperation(batch, flags, false))
  }

  /**
   * Sends a file, or a range of it, without copying it through this process. sendfile(2)
   *
   * Resolves with the number of bytes. A separate thread reads the parts of the file that are not in the page cache.
   * It also reads every file on a network or FUSE file system. The event loop never waits for a disk. A timeout, a
   * signal and `close()` end the wait for such a read at once.
   *
   * If the file is modified during the transfer, the new contents may be sent. Rejects with `ERR_FILE_TRUNCATED` if
   * the file became shorter. A file whose size says more or less than it holds (sysfs, procfs) is sent to its end. Every
   * error has `bytesSent`.
   *
   * With a `timeout` of 0, a part that is not in the page cache rejects with `EAGAIN`. Files of procfs and sysfs are
   * never in the page cache.
   */
  sendfile(file: FileLike, options?: SendfileOptions | number): Promise<number> {
    return this.#run(
      checkSend,
      options,
      ({ timeout, signal }, own) =>
        this.sendfileOperation(file, own, timeout === 0 ? 'once' : 'reactor', signal),
      SENDFILE_FIELDS,
    )
  }

  /**
   * Sends all bytes of `data` without copying them in the kernel. send(2) with MSG_ZEROCOPY
   *
   * Resolves when the kernel no longer needs the memory. On TCP that is when the peer has acknowledged all bytes.
   * Until then the ArrayBuffer behind `data` is detached, and `buffer` of the result gives the memory back. Memory
   * of `allocZeroCopy` is not detached; do not write to it before the promise settles.
   *
   * `copied` is true if the kernel copied the bytes after all, as on loopback. If that happens repeatedly, most
   * sends become ordinary sends, which do not detach the memory. Zero-copy pays off from about 16 KiB and for
   * memory that is not in the CPU cache.
   *
   * An error has `bytesSent`, and `buffer` unless the kernel still reads it. After `close()` the kernel continues
   * to send the queued bytes for up to 30 seconds. Rejects with a `TypeError` if `data` is in pooled, shared
   * or resizable memory.
   *
   * If another holder may have the open socket, `sendZeroCopy` copies, because the kernel numbers the sends of all
   * holders together. That is so after `adopt`, `dup`, `setInheritable(true)` and a read of `fd`. A send that started
   * before is not affected, unless the other holder reads the error queue. Linux, TCP, UDP and AF_VSOCK, else
   * `EOPNOTSUPP`.
   */
  async sendZeroCopy(data: ArrayBufferView, op?: Op | number): Promise<ZeroCopyResult> {
    const waiting = checkSend(op, this.timeout)
    return runZeroCopy(this.channel, planZeroCopy(this.channel, data, waiting, isStream(this)), waiting)
  }

  /**
   * Moves received bytes to another socket, a pipe or a file, without copying them through this process. splice(2)
   *
   * Stops at the end of the stream or after `length` bytes, and resolves with the number of bytes. An error has
   * that number as `bytesSent`. The next receive returns bytes that were read but could not be delivered.
   *
   * A separate thread writes to a regular file. If the transfer ends early, it waits up to 100 ms for that thread.
   * Bytes written later are not counted in `bytesSent`. A descriptor that is neither a file nor a pipe must be
   * non-blocking, and a file must not be open with O_APPEND, else `EINVAL`.
   *
   * Stream sockets on Linux, else `ENOSYS`. `relay` works on every system.
   */
  async splice(to: Socket | FileLike, options?: SpliceOptions | number): Promise<number> {
    const own = ownOp(options)
    const range = checkSplice(own)
    const waiting = checkReceive(own, this.timeout, SPLICE_FIELDS)
    return runTransfer(this.spliceOperation(to, waiting.signal), range, waiting)
  }

  /**
   * Waits until the socket is readable, the peer has finished, or the socket has failed. poll(2)
   *
   * If the socket has failed, the next receive reports the error. On a socket with an error queue
   * (`receiveMeta({ errors: true })`, timestamps, zero-copy sends) a pending error rejects here instead. Records that
   * are only on the error queue do not make the socket readable; `receiveErrors()` waits for them.
   */
  readable(op?: Op | number): Promise<void> {
    return this.#run(checkReceive, op, () => this.readyOperation(READ))
  }

  /**
   * Waits until the socket is writable or has failed. poll(2)
   *
   * If the socket has failed, the next send reports the error; see `readable()` for sockets with an error queue.
   */
  writable(op?: Op | number): Promise<void> {
    return this.#run(checkSend, op, () => this.readyOperation(WRITE))
  }

  /**
   * Returns an async iterator over incoming connections: `for await (const client of listener.connections())`.
   *
   * The iterator ends when the listening socket is closed. It throws the errors of `accept`. Leaving the loop does
   * not close the listening socket.
   */
  connections(op?: Op | number): AsyncIterableIterator<this> {
    return new Pull(
      this,
      () => this.acceptOperation(),
      checkReceive(op, this.timeout),
      () => false,
    )
  }

  /**
   * Returns an async iterator over received data, one new Buffer each. A datagram is one chunk.
   *
   * The iterator ends when the peer has finished or the socket is closed. Data is received only when the loop
   * requests it. `timeout` applies to each chunk.
   */
  chunks(options?: ChunksOptions): AsyncIterableIterator<Buffer> {
    const own = ownOp(options)
    const waiting = checkReceive(own, this.timeout, CHUNKS_FIELDS)
    const { size } = checkChunks(own)
    const isEnd = (data: Buffer): boolean => data.length === 0 && hasEnded(this)
    return new Pull(this, () => this.recvOperation(size, waiting.flags), waiting, isEnd)
  }

  /**
   * Returns an async iterator over messages with their senders and control messages, see `recvmsg`.
   *
   * The iterator ends when the socket is closed or a connected peer has finished. `size` is the maximum number of
   * bytes per message, 65536 by default. `batch` is the maximum number of messages per system call, recvmmsg(2). If
   * the loop ends early, the socket keeps the messages that are left: the next receive of any kind returns them.
   * AF_UNIX ignores `batch`, because each message may carry file descriptors.
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<Message<A>> {
    const own = ownOp(options)
    const waiting = checkReceive(own, this.timeout, MESSAGES_FIELDS)
    const { size, ...given } = checkMessages(own)
    const isEnd = (message: Message<A>): boolean => message.bytes === 0 && hasEnded(this)
    const next = this.messageOperation(size, waiting.flags, given)
    return new Pull(this, next, waiting, isEnd)
  }

  /**
   * Calls `listener` for each received message, in a turn of its own, as the events of Node are. recvmsg(2)
   *
   * Between two calls Node runs all ticks and microtasks, so `pause()` or `stop()` in one of them prevents the next
   * call. An error that the listener throws is an uncaught exception, and the reception continues. The listener runs in
   * the async context of this call. `message` is what `recvmsg` returns, with memory of its own. After 64 messages the
   * event loop gets a turn.
   *
   * Errors of the kernel go to `onError`. An error that concerns an earlier datagram, such as `ECONNREFUSED`, does not
   * end the reception. Any other error ends it. Other receives on this socket wait until `stop()`. `stop()` loses no
   * message. Throws `EOPNOTSUPP` for a socket with connections (SOCK_STREAM, SOCK_SEQPACKET).
   *
   * @example
   * const reception = socket.onMessage(({ data, address }) => console.log(String(data), String(address)))
   */
  onMessage(listener: (message: Message<A>) => void, options?: OnMessageOptions): Reception {
    return onMessage(this, listener, options)
  }

  /**
   * Returns a reader that returns lines, parts of a known size, or parts up to a delimiter.
   *
   * The options are the defaults of its calls: `timeout` and `signal`, and `max` for `until` and `line`. A reader
   * shares the received bytes with the socket, so it can be created for one call and dropped. Throws `EOPNOTSUPP` if
   * this is not a stream socket.
   *
   * @example
   * const reader = socket.reader({ timeout: 5000 })
   * const size = (await reader.exactly(4)).readUInt32BE()
   * const message = await reader.exactly(size)
   */
  reader(options?: ReaderOptions): SocketReader {
    return new SocketReader(this, options)
  }

  /**
   * Returns a stream.Duplex that owns this socket, for `pipeline`, `tls.connect({ socket })` and `http`.
   *
   * The stream behaves like a net.Socket: it reads from the start, up to its `highWaterMark`, and sends writes at once.
   * It sets TCP_NODELAY on TCP sockets. If the socket is still connecting, writes wait until `'connect'`.
   *
   * `end()` shuts down the writing side, shutdown(2). On sockets that preserve message boundaries, each `write`
   * sends one message and each `data` event delivers one. Throws `EBADF` if this socket is closed.
   */
  toDuplex(options?: SocketDuplexOptions): SocketDuplex {
    return new SocketDuplex(this, options)
  }

  /**
   * Returns a readable and a writable Web Stream that own this socket.
   *
   * On a stream socket, `readable` is a byte stream. Throws `EBADF` if this socket is closed.
   */
  toWeb(options?: WebOptions): WebStreams {
    return toWebStreams(this, options)
  }

  /**
   * Returns a socket with the interface of node:dgram that owns this socket, with its options, namespace and filters.
   *
   * Works for every datagram socket, also AF_UNIX and raw sockets. A UDP socket without a port, and an AF_UNIX socket
   * without a name, receive after `bind` or the first `send`; all others receive at once, and `'listening'` is emitted in
   * the next tick. `'message'` has a third argument: the message that `recvmsg` returns. Throws `EOPNOTSUPP` for a socket
   * with connections.
   */
  toDgram(options?: DgramOptions): DgramSocket {
    return toDgram(this, fd => Socket.adopt(fd), options)
  }

  /**
   * Moves the file descriptor to a new net.Socket and closes this Socket.
   *
   * TCP, MPTCP and AF_UNIX streams only, else `ERR_FEATURE_UNAVAILABLE`. Throws `EBUSY` while operations wait, also
   * while the socket is connecting.
   */
  toNetSocket(): NetSocket {
    return toNetSocket(this)
  }

  // Most sends succeed at once. This path creates no operation object for them.
  #sendAtOnce(data: ArrayBufferView): Promise<number> {
    const { channel, timeout } = this
    if (channel.fd >= 0 && channel.head(WRITE) === null && reactor.hasBudget(channel)) {
      const result = whenConnected(native.send(channel.id, data))
      if (result === EAGAIN && timeout !== 0)
        return reactor.wait(channel, new Send(channel, data, 0), timeout, undefined)
      channel.budget--
      if (result >= 0) return Promise.resolve(result)
      return Promise.reject(new Send(channel, data, 0).failure(result))
    }
    return reactor.submit(channel, new Send(channel, data, 0), timeout, undefined)
  }

  // Checks the options, creates the operation and submits it. Rejects if an argument is invalid. The most frequent
  // operations, recv, recvInto and send, do this themselves: it saves some 50 ns.
  #run<T, O extends Op>(
    check: typeof checkReceive,
    op: O | number | undefined,
    make: (waiting: Waiting, own: O | number | undefined) => Operation<T>,
    fields?: readonly string[],
  ): Promise<T> {
    try {
      const own = fields === undefined ? op : ownOp(op)
      const waiting = check(own, this.timeout, fields)
      return this.#submit(make(waiting, own), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #submit<T>(operation: Operation<T>, waiting: Waiting): Promise<T> {
    return reactor.submit(this.channel, operation, waiting.timeout, waiting.signal)
  }

  // Deliberately left out (see docs/left-out.md):
  // - host names in addresses: createConnection and getaddrinfo look them up
  // - strings as data: use Buffer.from()
  // - events: use toDuplex()
  // - sendmsgAll(): a Duplex sends corked writes completely, in few calls
  // - trySendZeroCopy(): the kernel always reports completion later, on the error queue
}

/** Returns the positive errno of a failed connect, and throws any other error again. */
export function connectResult(error: unknown): number {
  if (error instanceof SocketError) {
    if (error.code === 'ERR_SOCKET_TIMEOUT') return -EAGAIN
    if (error.errno !== undefined && error.syscall === 'connect') return -error.errno
  }
  throw error
}
