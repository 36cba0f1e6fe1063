import type { Socket as NetSocket } from 'node:net'
import type { Address, AnyUnixAddress } from '../address'
import { AF_UNIX, SOCK_STREAM, type Family, type SocketKind, type SocketType } from '../constants'
import { closed } from '../errors'
import type { ErrorRecord } from '../errqueue/record'
import type { Message } from '../message'
import { checkReceive } from '../operations/flags'
import { checkSplice, SPLICE_FIELDS, type SpliceOptions } from '../operations/splice'
import { type FileLike, ownOp, type Op } from '../validators'
import { type Adoption, adoptSocket, createPair, duplicateSocket } from './create'
import { toDgram, type DgramOptions } from './dgram'
import type { DgramSocket } from './dgram/socket'
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
import { onMessage, type OnMessageOptions, type Reception } from './on-message'
import { PromiseSocket } from './promises'
import { SocketReader } from './reader'
import { handOver } from './receiver'
import type { ReaderOptions } from './reader-options'
import { runTransfer } from './splice'
import { SocketDuplex, type SocketDuplexOptions } from './streams/duplex'
import { toNetSocket } from './streams/net'
import { toWebStreams, type WebOptions, type WebStreams } from './streams/web'
import type { NonSharedBuffer } from '../runtime/buffer'

/**
 * Represents an open socket with promise-based operations. socket(2)
 *
 * Operations in the same direction run in the order of the calls. Reads and writes do not wait for each other.
 * Every argument is checked before any system call. If a signal, a timeout or `close()` ends an operation, the
 * operation has no effect, except for the bytes that it already sent. Linux and macOS.
 */
export class Socket<A extends Address = Address, K extends SocketKind = SocketKind> extends PromiseSocket<
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
  chunks(options?: ChunksOptions): AsyncIterableIterator<NonSharedBuffer> {
    const own = ownOp(options)
    const waiting = checkReceive(own, this.timeout, CHUNKS_FIELDS)
    const { size } = checkChunks(own)
    const isEnd = (data: NonSharedBuffer): boolean => data.length === 0 && hasEnded(this)
    return new Pull(this, () => this.recvOperation(size, waiting.flags), waiting, isEnd)
  }

  /**
   * Returns an async iterator over messages with their senders and control messages, see `recvmsg`.
   *
   * The iterator ends when the socket is closed or a connected peer has finished. `size` is the maximum number of
   * bytes per message, 65536 by default. `batch` is the maximum number of messages per system call, recvmmsg(2). If
   * the loop ends early, the socket keeps up to `batch` messages that are left, each cut to `size`: the next receive of any
   * kind returns them, and `detach()` throws `EBUSY` until then.
   *
   * The default of `batch` is up to 64 on datagram and raw sockets, as many as fit into the CPU's cache. It is 1 on other
   * sockets, and if another holder may have the open socket (`dup`, `adopt`, a read of `fd`). AF_UNIX ignores `batch`,
   * because each message may carry file descriptors.
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
   * Calls `listener` for each received message, in a turn of its own, as the events of Node are. recvmsg(2)
   *
   * Between two calls Node runs all ticks and microtasks, so `pause()` or `stop()` in one of them prevents the next
   * call. An error that the listener throws is an uncaught exception, and the reception continues. The listener runs in
   * the async context of this call. `message` is what `recvmsg` returns, with memory of its own. After 64 messages the
   * event loop gets a turn.
   *
   * Errors of the kernel go to `onError`. An error that concerns an earlier datagram, such as `ECONNREFUSED`, does not
   * end the reception. Any other error ends it. Other receives on this socket reject with `EBUSY` until `stop()`, which
   * loses no message. Throws `EOPNOTSUPP` for a socket with connections (SOCK_STREAM, SOCK_SEQPACKET).
   *
   * @example
   * const reception = socket.onMessage(({ data, address }) => console.log(String(data), String(address)))
   */
  onMessage(listener: (message: Message<A>) => void, options?: OnMessageOptions): Reception {
    const start = (): Reception => onMessage(this, listener, options)
    return handOver(this, 'onMessage', start, reception => reception.stopped)
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
    return handOver(this, 'toDuplex', () => new SocketDuplex(this, options))
  }

  /**
   * Returns a readable and a writable Web Stream that own this socket.
   *
   * On a stream socket, `readable` is a byte stream. Throws `EBADF` if this socket is closed.
   */
  toWeb(options?: WebOptions): WebStreams {
    return handOver(this, 'toWeb', () => toWebStreams(this, options))
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
    return handOver(this, 'toDgram', () => toDgram(this, fd => Socket.adopt(fd), options))
  }

  /**
   * Moves the file descriptor to a new net.Socket and closes this Socket.
   *
   * TCP, MPTCP and AF_UNIX streams only, else `ERR_FEATURE_UNAVAILABLE`. So also in Bun, whose net.Socket cannot take a
   * descriptor. Throws `EBUSY` while operations wait, also while the socket is connecting, and if a stream receives on
   * this socket.
   */
  toNetSocket(): NetSocket {
    return toNetSocket(this)
  }

  // Deliberately left out (see docs/left-out.md):
  // - host names in addresses: createConnection and getaddrinfo look them up
  // - strings as data: use Buffer.from()
  // - events: use toDuplex()
  // - sendmsgAll(): a Duplex sends corked writes completely, in few calls
  // - trySendZeroCopy(): the kernel always reports completion later, on the error queue
}
