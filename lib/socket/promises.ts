import type { Address, AddressLike } from '../address'
import { native } from '../binding/binding'
import { READ, WRITE } from '../binding/shared'
import type { SocketKind } from '../constants'
import { EAGAIN } from '../errors/errno'
import type { ErrorRecord } from '../errqueue/record'
import type { Message } from '../message'
import type { MessageBatch } from '../message/batch'
import { connectResult } from '../operations/connect'
import { checkReceive, checkSend } from '../operations/flags'
import {
  receivedFds,
  RECVMSG_FIELDS,
  type OutgoingMessage,
  type ReceivedFds,
  type RecvmsgOptions,
  type TimestampedMessage,
} from '../operations/message'
import { CHUNK_BYTES, Send, SendAll, whenConnected } from '../operations/send'
import { SENDFILE_FIELDS, type SendfileOptions } from '../operations/sendfile'
import { SendStamped, type TimestampedSend } from '../operations/timestamp'
import { reactor } from '../reactor'
import type { Operation } from '../reactor/operation'
import { byteLengthOf } from '../struct'
import { type FileLike, fieldsOfOp, ownOp, type Op, type Waiting } from '../validators'
import { isStream } from './base'
import { NonblockingSocket } from './nonblocking'
import { runTimestamped } from './timestamped'
import { runZeroCopy, type ZeroCopyBatchResult, type ZeroCopyResult } from './zerocopy'
import type { NonSharedBuffer } from '../runtime/buffer'

/**
 * Provides the operations that return a promise: each method checks its arguments, makes one operation and runs it.
 * `Socket` adds what needs the class itself, and what runs many operations: iterators and streams.
 */
export abstract class PromiseSocket<
  A extends Address = Address,
  K extends SocketKind = SocketKind,
> extends NonblockingSocket<A, K> {
  /**
   * Connects the socket to an address. connect(2)
   *
   * On a stream socket the promise resolves when the connection is established. On a datagram socket the call sets
   * the default destination, and `{ family: AF_UNSPEC, data }` removes it.
   *
   * If the signal fires, the socket is closed, because a connect cannot be undone. After a timeout the kernel
   * continues the attempt. Call `connect` again to wait for the same attempt.
   */
  async connect(address: AddressLike<A>, op?: Op | number): Promise<void> {
    const waiting = checkSend(op, this.timeout)
    const operation = this.connectOperation(address)
    try {
      await submit(this, operation, waiting)
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
  async connectEx(address: AddressLike<A>, op?: Op | number): Promise<number> {
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
    return run(this, checkReceive, op, () => this.acceptOperation())
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
  recv(size: number, op?: Op | number): Promise<NonSharedBuffer> {
    try {
      const waiting = checkReceive(op, this.timeout)
      return submit(this, this.recvOperation(size, waiting.flags), waiting)
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
      return submit(this, this.recvIntoOperation(buffer, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Receives up to `size` bytes and the address of the sender. recvfrom(2)
   *
   * `address` is `null` on a connected stream.
   */
  recvfrom(size: number, op?: Op | number): Promise<{ data: NonSharedBuffer; address: A | null }> {
    try {
      const waiting = checkReceive(op, this.timeout)
      return submit(this, this.recvfromOperation(size, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Receives into `buffer` and resolves with the number of bytes and the address of the sender. recvfrom(2) */
  recvfromInto(buffer: ArrayBufferView, op?: Op | number): Promise<{ bytes: number; address: A | null }> {
    return run(this, checkReceive, op, ({ flags }) => this.recvfromIntoOperation(buffer, flags))
  }

  /**
   * Sends `data` and resolves with the number of bytes that the kernel accepted. send(2)
   *
   * On a stream the number may be less than the size of `data`. `sendAll` sends everything.
   */
  send(data: ArrayBufferView, op?: Op | number): Promise<number> {
    try {
      if (op === undefined && ArrayBuffer.isView(data)) return sendAtOnce(this, data)
      const waiting = checkSend(op, this.timeout)
      return submit(this, this.sendOperation(data, waiting.flags), waiting)
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
    try {
      if (op === undefined && ArrayBuffer.isView(data)) return sendAllAtOnce(this, data)
      const waiting = checkSend(op, this.timeout)
      return submit(this, this.sendAllOperation(data, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
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
  sendto(data: ArrayBufferView, address: AddressLike<A> | null, op?: Op | number): Promise<number> {
    try {
      const waiting = checkSend(op, this.timeout)
      return submit(this, this.sendtoOperation(data, address, waiting.flags), waiting)
    } catch (error) {
      return Promise.reject(error as Error)
    }
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
    return run(
      this,
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
  sendmsg(message: OutgoingMessage<A>, op?: Op | number): Promise<number>
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
  sendmsg(message: TimestampedMessage<A>, op?: Op | number): Promise<TimestampedSend>
  sendmsg(
    message: OutgoingMessage<A> | TimestampedMessage<A>,
    op?: Op | number,
  ): Promise<number | TimestampedSend> {
    try {
      const waiting = checkSend(op, this.timeout)
      const operation = this.sendmsgOperation(message, waiting.flags, false)
      if (operation instanceof SendStamped) return runTimestamped(this.channel, operation, waiting)
      return submit(this, operation, waiting)
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
    return run(this, checkReceive, op, () => this.receiveErrorsOperation())
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
    return run(this, checkSend, op, ({ flags }) => this.sendFdsOperation(data, fds, flags))
  }

  /**
   * Receives up to `size` bytes and up to `maxFds` file descriptors over AF_UNIX. unix(7) SCM_RIGHTS
   *
   * Each descriptor is close-on-exec and owned by an FdHandle. If more than `maxFds` arrive, the surplus is closed
   * and `flags` contains `MSG_CTRUNC`.
   */
  async recvFds(size: number, maxFds: number, op?: Op | number): Promise<ReceivedFds<A>> {
    const waiting = checkReceive(op, this.timeout)
    return receivedFds(await submit(this, this.recvFdsOperation(size, maxFds, waiting.flags), waiting))
  }

  /**
   * Receives the messages that are available, at least one, into `batch`. recvmmsg(2)
   *
   * Resolves with the number of messages. File descriptors that arrive on AF_UNIX are closed; use `recvFds` to
   * receive them. Linux receives the batch in one system call. macOS needs one call for each message.
   */
  recvmmsg(batch: MessageBatch, op?: Op | number): Promise<number> {
    return run(this, checkReceive, op, ({ flags }) => this.recvmmsgOperation(batch, flags))
  }

  /**
   * Sends every message of `batch`, in order, and resolves with their number. sendmmsg(2)
   *
   * An error has `messagesSent` and the address of the message that failed. Do not change `batch` before the
   * promise settles.
   */
  sendmmsg(batch: MessageBatch, op?: Op | number): Promise<number> {
    return run(this, checkSend, op, ({ flags }) => this.sendmmsgOperation(batch, flags, false))
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
    return run(
      this,
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
   * of `allocZeroCopy` is not detached; do not write to it before the promise resolves.
   *
   * `copied` is true if the kernel copied the bytes after all, as on loopback. If that happens repeatedly, most
   * sends become ordinary sends, which do not detach the memory. Zero-copy pays off for large sends of memory that
   * is not in the CPU cache.
   *
   * An error has `bytesSent`, and `buffer` unless the kernel still reads it: then `zeroCopyStatistics().pending` tells
   * when it is done, and memory of `allocZeroCopy` must not change before. After `close()` the kernel continues
   * to send the queued bytes for up to 30 seconds. Rejects with a `TypeError` if `data` is in pooled, shared
   * or resizable memory.
   *
   * If another holder may have the open socket, `sendZeroCopy` copies, because the kernel numbers the sends of all
   * holders together. That is so after `adopt`, `dup`, `setInheritable(true)` and a read of `fd`. A send that started
   * before is not affected, unless the other holder reads the error queue. Linux, TCP, UDP and AF_VSOCK, else
   * `EOPNOTSUPP`.
   */
  sendZeroCopy(data: ArrayBufferView, op?: Op | number): Promise<ZeroCopyResult>
  /**
   * Sends all bytes of several views without copying them in the kernel. send(2) with MSG_ZEROCOPY
   *
   * Makes one system call for each view: on a datagram socket each is a datagram. One promise for all of them costs much
   * less than one for each. `buffers` of the result gives the memory back. The rest is as for one view.
   */
  sendZeroCopy(data: readonly ArrayBufferView[], op?: Op | number): Promise<ZeroCopyBatchResult>
  async sendZeroCopy(data: unknown, op?: Op | number): Promise<ZeroCopyResult | ZeroCopyBatchResult> {
    return runZeroCopy(this.channel, data, checkSend(op, this.timeout), isStream(this))
  }

  /**
   * Waits until the socket is readable, the peer has finished, or the socket has failed. poll(2)
   *
   * If the socket has failed, the next receive reports the error. On a socket with an error queue
   * (`receiveMeta({ errors: true })`, timestamps, zero-copy sends) a pending error rejects here instead. Records that
   * are only on the error queue do not make the socket readable; `receiveErrors()` waits for them.
   */
  readable(op?: Op | number): Promise<void> {
    return run(this, checkReceive, op, () => this.readyOperation(READ))
  }

  /**
   * Waits until the socket is writable or has failed. poll(2)
   *
   * If the socket has failed, the next send reports the error; see `readable()` for sockets with an error queue.
   */
  writable(op?: Op | number): Promise<void> {
    return run(this, checkSend, op, () => this.readyOperation(WRITE))
  }
}

// These are functions, not private methods: each class with a private method adds a hidden field to every socket.

// Most sends succeed at once. This path creates no operation object for them.
function sendAtOnce({ channel, timeout }: PromiseSocket, data: ArrayBufferView): Promise<number> {
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

// The same for all bytes. An operation sends what the kernel did not take at once.
function sendAllAtOnce(socket: PromiseSocket, data: ArrayBufferView): Promise<void> {
  const { channel, timeout } = socket
  const size = byteLengthOf(data)
  let sent = 0
  if (channel.fd >= 0 && channel.head(WRITE) === null && size <= CHUNK_BYTES && reactor.hasBudget(channel)) {
    const result = whenConnected(native.send(channel.id, data))
    if (result === EAGAIN && timeout !== 0)
      return reactor.wait(channel, new SendAll(channel, data, 0, isStream(socket)), timeout, undefined)
    channel.budget--
    if (result >= size) return Promise.resolve() // more if another thread has let shared memory grow
    if (result < 0) {
      const failed = new SendAll(channel, data, 0, isStream(socket))
      return Promise.reject(failed.abandon(failed.failure(result)))
    }
    sent = result
  }
  return reactor.submit(channel, new SendAll(channel, data, 0, isStream(socket), sent), timeout, undefined)
}

// Checks the options, creates the operation and submits it. Rejects if an argument is invalid. The most frequent
// operations, such as recv and send, do this themselves: it saves some 50 ns.
function run<T, O extends Op>(
  socket: PromiseSocket,
  check: typeof checkReceive,
  op: O | number | undefined,
  make: (waiting: Waiting, own: O | number | undefined) => Operation<T>,
  fields?: readonly string[],
): Promise<T> {
  try {
    const own = fields === undefined ? op : ownOp(op)
    const waiting = check(own, socket.timeout, fields)
    return submit(socket, make(waiting, own), waiting)
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

function submit<T>({ channel }: PromiseSocket, operation: Operation<T>, waiting: Waiting): Promise<T> {
  return reactor.submit(channel, operation, waiting.timeout, waiting.signal)
}
