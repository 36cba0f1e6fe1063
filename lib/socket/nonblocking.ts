import type { Address, AddressLike } from '../address'
import type { READ, WRITE } from '../binding/shared'
import type { SocketKind } from '../constants'
import { AF_UNIX, MSG_WAITALL, SOCK_DGRAM } from '../constants/per-call'
import { buildControl, type Control } from '../control/walk'
import { aborted, closed, withProgress, invalidType, outOfRange, systemError } from '../errors'
import { elementsOf, checkBoolean, checkInteger } from '../errors/argument'
import { errnoOf } from '../errors/errno'
import type { ErrorRecord } from '../errqueue/record'
import type { Message } from '../message'
import { checkBatch, type MessageBatch } from '../message/batch'
import { control } from '../message/control'
import { checkControls, haveForms, sendsIPv6 } from '../message/controls'
import { controlLayout } from '../message/receive-control'
import { isRights } from '../message/rights'
import { Recvmmsg, Sendmmsg } from '../operations/batch'
import { Accept, Connect } from '../operations/connect'
import { checkErrorQueue, ReceiveError, ReceiveErrors } from '../operations/error-queue'
import { checkReceive, checkSend, receiveFlags, sendFlags } from '../operations/flags'
import {
  checkParts,
  MAX_CONTROL,
  checkMessage,
  receivedFds,
  RECVMSG_FIELDS,
  type OutgoingMessage,
  type ReceivedFds,
  type RecvmsgOptions,
  type TimestampedMessage,
  Recvmsg,
  SendFds,
  Sendmsg,
} from '../operations/message'
import { nextMessages } from '../operations/next-message'
import { Ready } from '../operations/ready'
import { Recv, Recvfrom, RecvfromInto, RecvInto } from '../operations/receive'
import { SendSegments } from '../operations/segments'
import { Send, SendAll, Sendto, SendtoPeer } from '../operations/send'
import {
  checkSendfile,
  Sendfile,
  SENDFILE_FIELDS,
  type SendfileDriver,
  type SendfileOptions,
} from '../operations/sendfile'
import {
  checkSplice,
  checkSpliceable,
  SPLICE_FIELDS,
  Transfer,
  type SpliceOptions,
} from '../operations/splice'
import { checkTimestamp, checkTimestamped, SendStamped } from '../operations/timestamp'
import { reactor, type PackedAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import type { Operation } from '../reactor/operation'
import type { ZeroCopyStatistics } from '../reactor/zerocopy-sender'
import type { NonSharedBuffer } from '../runtime/buffer'
import { isAborted } from '../runtime/signals'
import { byteLengthOf } from '../struct'
import { checkFd, type FileLike, checkBytes, checkSize, fieldsOfOp, ownOp } from '../validators'
import { BaseSocket, isInet, isStream, isUnixDatagram } from './base'
import { setBlocking } from './blocking-mode'
import { Adoption, socketArguments } from './create'
import { resetWhenClosed } from './option-calls'
import { checkFree } from './receiver'
import { statisticsOf } from './zerocopy'

const NO_CONTROLS: readonly Control[] = []

/**
 * Creates the operations of both Socket classes, and provides a `tryX` method for each.
 *
 * A `tryX` method returns `null` if the operation would block, or if another operation already waits in the same
 * direction. The two Socket classes run the same operations and wait for their completion.
 */
export abstract class NonblockingSocket<
  A extends Address = Address,
  K extends SocketKind = SocketKind,
> extends BaseSocket<A, K> {
  /** @internal Makes a socket of the same class from an accepted connection. */
  protected abstract fromAdoption(adoption: Adoption): this

  // --- operations ---

  /** @internal */
  protected recvOperation(size: number, flags: number): Recv {
    checkFree(this, 'recv', flags)
    return new Recv(this.channel, flags, checkSize('size', size))
  }

  /** @internal */
  protected recvIntoOperation(buffer: ArrayBufferView, flags: number): RecvInto {
    checkFree(this, 'recv', flags)
    const { channel } = this
    const { spare } = channel
    const into = checkBytes('buffer', buffer)
    if (spare instanceof RecvInto && !spare.taken) return spare.reuse(into, flags)
    const operation = new RecvInto(channel, flags, into)
    channel.spare = operation
    return operation
  }

  /** @internal */
  protected recvfromOperation(size: number, flags: number): Recvfrom<A> {
    checkFree(this, 'recvfrom', flags)
    const { channel } = this
    const { spare } = channel
    const room = checkSize('size', size)
    if (spare instanceof Recvfrom && !spare.taken) return (spare as Recvfrom<A>).reuse(room, flags)
    const operation = new Recvfrom<A>(channel, flags, room)
    channel.spare = operation
    return operation
  }

  /** @internal */
  protected recvfromIntoOperation(buffer: ArrayBufferView, flags: number): RecvfromInto<A> {
    checkFree(this, 'recvfrom', flags)
    return new RecvfromInto<A>(this.channel, flags, checkBytes('buffer', buffer))
  }

  /** @internal */
  protected sendOperation(data: ArrayBufferView, flags: number): Send {
    return new Send(this.channel, checkBytes('data', data), flags)
  }

  /** @internal */
  protected sendAllOperation(data: ArrayBufferView, flags: number): SendAll {
    return new SendAll(this.channel, checkBytes('data', data), flags, isStream(this))
  }

  /** @internal */
  protected sendtoOperation(
    data: ArrayBufferView,
    address: AddressLike<A> | null,
    flags: number,
  ): Send | Sendto {
    const bytes = checkBytes('data', data)
    if (address === null) return new SendtoPeer(this.channel, bytes, flags)
    const to = this.channel.network.addresses.encodeDestination(address, this.family)
    return new Sendto(this.channel, bytes, flags, to, isUnixDatagram(this))
  }

  /** @internal */
  protected recvmsgOperation(
    into: number | ArrayBufferView | ArrayBufferView[],
    flags: number,
    options: RecvmsgOptions,
  ): Recvmsg<A> {
    checkFree(this, 'recvmsg', flags)
    const { controlSize, fds = 'close' } = options
    if (fds !== 'receive' && fds !== 'close') throw invalidType('op.fds', "'receive' or 'close'", fds)
    const room =
      controlSize === undefined
        ? null
        : new Uint8Array(checkInteger('op.controlSize', controlSize, 0, MAX_CONTROL))
    const target = typeof into === 'number' ? checkSize('size', into) : checkParts('into', into)
    const maxFds = fds === 'receive' ? Infinity : null
    return new Recvmsg<A>(this.channel, { into: target, flags, control: room, maxFds, pidfd: true })
  }

  /** @internal */
  protected recvFdsOperation(size: number, maxFds: number, flags: number): Recvmsg<A> {
    checkFree(this, 'recvmsg', flags)
    checkInteger('maxFds', maxFds, 0, 0x7fffffff)
    const into = checkSize('size', size)
    return new Recvmsg<A>(this.channel, { into, flags, control: null, maxFds, pidfd: false })
  }

  /** @internal */
  protected receiveErrorsOperation(): ReceiveErrors {
    checkErrorQueue(this.family)
    return new ReceiveErrors(this.channel)
  }

  /** @internal */
  protected receiveErrorOperation(): ReceiveError {
    checkErrorQueue(this.family)
    return new ReceiveError(this.channel)
  }

  /** @internal */
  protected sendmsgOperation(
    message: OutgoingMessage<A> | TimestampedMessage<A>,
    flags: number,
    now: boolean,
  ): Sendmsg | SendSegments {
    if (typeof message !== 'object' || message === null) throw invalidType('message', 'object', message)
    const { data, address, control: given, segmentSize, timestamp = false } = checkMessage(message)
    const bytes =
      address === undefined || address === null
        ? null
        : this.channel.network.addresses.encode(address, this.family)
    const controls = given === undefined ? NO_CONTROLS : checkMessageControls(this, given, bytes)
    const parts = checkParts('message.data', data as ArrayBufferView | ArrayBufferView[])
    const outgoing = { data: parts, flags, address: bytes, unixDatagram: isUnixDatagram(this) }
    if (timestamp !== false) {
      checkTimestamp(timestamp, segmentSize, now)
      return new SendStamped(this.channel, outgoing, controls, checkTimestamped(this, flags))
    }
    if (segmentSize !== undefined) {
      const size = checkInteger('message.segmentSize', segmentSize, 1, 65535)
      // Other protocols ignore segmentSize and would send one message instead of many datagrams.
      if (this.type !== SOCK_DGRAM || !isInet(this))
        throw systemError('sendmsg', errnoOf('ENOPROTOOPT'), {
          subject: 'segmentSize is for UDP sockets only',
        })
      return new SendSegments(this.channel, outgoing, controls, size, now)
    }
    if (controls.length === 0) return new Sendmsg(this.channel, outgoing, null)
    if (controls.some(isRights)) return new SendFds(this.channel, outgoing, controls)
    return new Sendmsg(this.channel, outgoing, buildControl(controlLayout, controls))
  }

  /** @internal */
  protected sendFdsOperation(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    flags: number,
  ): Sendmsg {
    const bytes = checkBytes('data', data)
    if (this.family !== AF_UNIX)
      throw systemError('sendmsg', errnoOf('EOPNOTSUPP'), {
        subject: 'only AF_UNIX sockets can send file descriptors',
      })
    const outgoing = { data: [bytes], flags, address: null, unixDatagram: isUnixDatagram(this) }
    if (elementsOf('fds', fds).length === 0) return new Sendmsg(this.channel, outgoing, null)
    // Without data the kernel would accept the message and drop the descriptors.
    if (byteLengthOf(bytes) === 0 && isStream(this))
      throw outOfRange('data.byteLength', '>= 1 to carry descriptors on a stream', 0)
    return new SendFds(this.channel, outgoing, [control.rights(fds)])
  }

  /** @internal */
  protected connectOperation(address: AddressLike<A>): Connect {
    return new Connect(this.channel, this.channel.network.addresses.encode(address, this.family))
  }

  /** @internal */
  protected acceptOperation(): Accept<this> {
    return new Accept(this.channel, (channel: Channel, peer: PackedAddress) =>
      this.fromAdoption(new Adoption(channel, this[socketArguments], peer)),
    )
  }

  /** @internal */
  protected readyOperation(direction: typeof READ | typeof WRITE): Ready {
    return new Ready(this.channel, direction)
  }

  /** @internal */
  protected recvmmsgOperation(batch: MessageBatch, flags: number): Recvmmsg {
    checkFree(this, 'recvmmsg', flags)
    if ((flags & MSG_WAITALL) !== 0 && isStream(this))
      throw outOfRange(
        'flags',
        'without MSG_WAITALL for a batch on a stream; use recv() or recvInto()',
        flags,
      )
    return new Recvmmsg(this.channel, checkBatch(batch), flags, this.family === AF_UNIX)
  }

  /** @internal */
  protected sendmmsgOperation(batch: MessageBatch, flags: number, now: boolean): Sendmmsg {
    checkBatch(batch).prepare(this)
    const traits = { unix: this.family === AF_UNIX, unixDatagram: isUnixDatagram(this), now }
    return new Sendmmsg(this.channel, batch, flags, traits)
  }

  /** @internal */
  protected sendfileOperation(
    file: FileLike,
    options: SendfileOptions | number | undefined,
    driver: SendfileDriver,
    signal?: AbortSignal,
  ): Sendfile {
    const [fd, range] = [checkFd('file', file), checkSendfile(options)]
    if (signal !== undefined && isAborted(signal)) throw withProgress(aborted(signal), 0)
    return new Sendfile(this.channel, fd, range, driver)
  }

  /** @internal Returns a function that creates the operations of a loop over messages. */
  protected messageOperation(
    size: number,
    flags: number,
    options: RecvmsgOptions & { batch: number | undefined },
  ): () => Operation<Message<A>> {
    this.recvmsgOperation(size, flags, options) // checks the options now
    const { channel, family, type } = this
    const maxFds = options.fds === 'receive' ? Infinity : null
    const { batch, controlSize } = options
    const next = nextMessages<A>({ batch, controlSize, channel, family, type, size, flags, maxFds })
    return () => {
      checkFree(this, 'recvmsg', flags)
      return next()
    }
  }

  /** @internal */
  protected spliceOperation(to: BaseSocket | FileLike, signal?: AbortSignal): Transfer {
    if (to instanceof BaseSocket && to.closed) throw closed('splice')
    checkFree(this, 'splice')
    checkSpliceable(this)
    const target = to instanceof BaseSocket ? to.channel : checkFd('to', to)
    if (signal !== undefined && isAborted(signal)) throw withProgress(aborted(signal), 0)
    return new Transfer(this.channel, target)
  }

  /**
   * Makes the descriptor blocking, or non-blocking again, for a program that uses the same open socket. fcntl(2)
   *
   * O_NONBLOCK belongs to the open file: a child process, a duplicate and this Socket share it. Operations of this
   * Socket do not depend on it. They behave as before, and do not block the event loop.
   */
  setBlocking(on: boolean): this {
    setBlocking(this.channel, checkBoolean('on', on))
    return this
  }

  /**
   * Closes the socket at once and resets the connection, so that the peer gets `ECONNRESET`. close(2) with SO_LINGER 0
   *
   * The kernel drops data that it has not sent yet. Waiting operations reject with `ECANCELED`. Later calls do
   * nothing. Never waits. If other descriptors of the open socket exist (`dup`, child processes), the reset follows
   * when the last one is closed. Sockets without TCP are closed as by `close()`.
   */
  reset(): void {
    if (this.closed) return
    if (isInet(this) && isStream(this)) resetWhenClosed(this.channel)
    this.close()
  }

  /**
   * Returns counters for the zero-copy sends of this socket.
   *
   * If a send failed, `pending` tells whether the kernel still sends from its memory.
   */
  zeroCopyStatistics(): ZeroCopyStatistics {
    return statisticsOf(this.channel)
  }

  // --- operations that never wait ---

  /**
   * Receives up to `size` bytes without waiting, or returns `null`. recv(2)
   *
   * The Buffer is empty at the end of the stream.
   */
  tryRecv(size: number, flags = 0): NonSharedBuffer | null {
    return reactor.attemptNow(this.channel, this.recvOperation(size, receiveFlags(flags)))
  }

  /** Receives into `buffer` without waiting; returns the number of bytes, or `null`. recv(2) */
  tryRecvInto(buffer: ArrayBufferView, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.recvIntoOperation(buffer, receiveFlags(flags)))
  }

  /** Receives up to `size` bytes and the address of the sender without waiting, or returns `null`. recvfrom(2) */
  tryRecvfrom(size: number, flags = 0): { data: NonSharedBuffer; address: A | null } | null {
    return reactor.attemptNow(this.channel, this.recvfromOperation(size, receiveFlags(flags)))
  }

  /** Receives into `buffer` without waiting; returns the number of bytes and the sender, or `null`. recvfrom(2) */
  tryRecvfromInto(buffer: ArrayBufferView, flags = 0): { bytes: number; address: A | null } | null {
    return reactor.attemptNow(this.channel, this.recvfromIntoOperation(buffer, receiveFlags(flags)))
  }

  /** Sends `data` without waiting; returns the number of bytes that the kernel accepted, or `null`. send(2) */
  trySend(data: ArrayBufferView, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendOperation(data, sendFlags(flags)))
  }

  /**
   * Sends all bytes of `data` without waiting; returns `true`, or `null` if nothing could be sent. send(2)
   *
   * If the kernel accepted only a part, throws `EAGAIN` with `bytesSent`, because that part cannot be undone.
   */
  trySendAll(data: ArrayBufferView, flags = 0): true | null {
    const operation = this.sendAllOperation(data, sendFlags(flags))
    return reactor.attemptNow(this.channel, operation) === null ? operation.nothingSent() : true
  }

  /** Sends one datagram without waiting; returns the number of bytes, or `null`. See `sendto`. sendto(2) */
  trySendto(data: ArrayBufferView, address: AddressLike<A> | null, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendtoOperation(data, address, sendFlags(flags)))
  }

  /** Receives one message with its control messages without waiting, or returns `null`. recvmsg(2) */
  tryRecvmsg(
    into: number | ArrayBufferView | ArrayBufferView[],
    options?: RecvmsgOptions | number,
  ): Message<A> | null {
    const own = ownOp(options)
    const { flags } = checkReceive(own, null, RECVMSG_FIELDS)
    return reactor.attemptNow(this.channel, this.recvmsgOperation(into, flags, fieldsOfOp(own)))
  }

  /**
   * Receives the records of the error queue, at least one, without waiting, or returns `null`. See `receiveErrors`.
   */
  tryReceiveErrors(): ErrorRecord[] | null {
    return reactor.attemptNow(this.channel, this.receiveErrorsOperation())
  }

  /** Sends one message without waiting; returns the number of bytes, or `null`. sendmsg(2) */
  trySendmsg(message: OutgoingMessage<A>, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendmsgOperation(message, sendFlags(flags), true))
  }

  /** Sends `data` and file descriptors without waiting; returns the number of bytes, or `null`. See `sendFds`. */
  trySendFds(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    flags = 0,
  ): number | null {
    return reactor.attemptNow(this.channel, this.sendFdsOperation(data, fds, sendFlags(flags)))
  }

  /** Receives data and file descriptors without waiting, or returns `null`. See `recvFds`. */
  tryRecvFds(size: number, maxFds: number, flags = 0): ReceivedFds<A> | null {
    const message = reactor.attemptNow(this.channel, this.recvFdsOperation(size, maxFds, receiveFlags(flags)))
    return message === null ? null : receivedFds(message)
  }

  /** Accepts a connection from the backlog, or returns `null` if the backlog is empty. accept(2) */
  tryAccept(): this | null {
    return reactor.attemptNow(this.channel, this.acceptOperation())
  }

  /**
   * Starts to connect without waiting; returns `true` when connected, `null` while the attempt continues.
   * connect(2)
   *
   * `writable()` waits for the end of the attempt.
   */
  tryConnect(address: AddressLike<A>): true | null {
    return reactor.attemptNow(this.channel, this.connectOperation(address)) === null ? null : true
  }

  /**
   * Moves received bytes to `to` without waiting; returns their number, or `null`. splice(2)
   *
   * Returns 0 at the end of the stream. The next receive returns bytes that `to` did not accept.
   */
  trySplice(to: BaseSocket | FileLike, options?: SpliceOptions): number | null {
    const own = ownOp(options)
    checkReceive(own, null, SPLICE_FIELDS)
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

  /** Receives messages into `batch` without waiting; returns their number, or `null`. recvmmsg(2) */
  tryRecvmmsg(batch: MessageBatch, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.recvmmsgOperation(batch, receiveFlags(flags)))
  }

  /** Sends messages of `batch` without waiting; returns how many were sent, or `null` if none. sendmmsg(2) */
  trySendmmsg(batch: MessageBatch, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendmmsgOperation(batch, sendFlags(flags), true))
  }

  /**
   * Sends a file without waiting for the peer or a disk; returns the number of bytes, or `null`. sendfile(2)
   *
   * Sends only what is in the page cache. Files of procfs and sysfs are never there, because a driver makes their data
   * when they are read: the result is `null`. `sendfile` sends them.
   */
  trySendfile(file: FileLike, options?: SendfileOptions): number | null {
    const own = ownOp(options)
    checkSend(own, null, SENDFILE_FIELDS)
    return reactor.attemptNow(this.channel, this.sendfileOperation(file, own, 'now'))
  }
}

/** Checks the control messages of a message to `to`. */
function checkMessageControls(socket: NonblockingSocket, given: unknown, to: Uint8Array | null): Control[] {
  const name = 'message.control'
  const list = elementsOf(name, given)
  return checkControls(name, list, haveForms(list) && sendsIPv6(socket, to), socket.channel.network)
}
