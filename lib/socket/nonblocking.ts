import type { Address, AddressLike } from '../address'
import type { READ, WRITE } from '../binding/shared'
import { SOCK_DGRAM } from '../constants'
import { buildControl } from '../control/walk'
import { closed, withProgress, invalidType, outOfRange, systemError } from '../errors'
import { elementsOf } from '../errors/argument'
import { errnoOf } from '../errors/errno'
import type { ErrorRecord } from '../errqueue/record'
import { addresses, platform } from '../host'
import type { Message } from '../message'
import { checkBatch, type MessageBatch } from '../message/batch'
import { control } from '../message/control'
import { checkControls, haveForms, sendsIPv6 } from '../message/controls'
import { controlLayout } from '../message/receive-control'
import { isRights } from '../message/rights'
import { messagesInBatches, Recvmmsg, Sendmmsg } from '../operations/batch'
import { Accept, Connect } from '../operations/connect'
import { checkErrorQueue, ReceiveErrors } from '../operations/error-queue'
import {
  checkParts,
  MAX_CONTROL,
  OUTGOING_FIELDS,
  receivedFds,
  RECVMSG_FIELDS,
  type OutgoingMessage,
  type ReceivedFds,
  type RecvmsgOptions,
  Recvmsg,
  SendFds,
  Sendmsg,
} from '../operations/message'
import { Ready } from '../operations/ready'
import { Recv, Recvfrom, RecvfromInto, RecvInto } from '../operations/receive'
import { SendSegments } from '../operations/segments'
import { Send, SendAll, Sendto } from '../operations/send'
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
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import type { Operation } from '../reactor/operation'
import type { ZeroCopyStatistics } from '../reactor/zerocopy-sender'
import { byteLengthOf } from '../struct'
import {
  checkFd,
  type FileLike,
  checkBytes,
  checkFlags,
  checkInteger,
  checkOp,
  checkOptions,
  checkSize,
  fieldsOfOp,
  ownOp,
} from '../validators'
import { BaseSocket, isInet, isStream, isUnixDatagram } from './base'
import { Adoption } from './create'

const AF_UNIX = platform.constants.AF_UNIX!
/**
 * One definition of each operation, checked and ready to run, and its `tryX` form: the value, or `null`
 * when it would block or when somebody already waits in the same direction. The two Socket classes
 * run the same definitions with drivers that wait.
 */
export abstract class NonblockingSocket extends BaseSocket {
  /** Makes a socket of the same flavour from an accepted connection. */
  protected abstract fromAdoption(adoption: Adoption): this

  // --- definitions ---

  protected recvOperation(size: number, flags: number): Recv {
    return new Recv(this.channel, flags, checkSize('size', size))
  }

  protected recvIntoOperation(buffer: ArrayBufferView, flags: number): RecvInto {
    const { channel } = this
    const into = checkBytes('buffer', buffer)
    const spare = channel.spare as RecvInto | null
    if (spare !== null && !spare.queued) return spare.reuse(into, flags)
    const operation = new RecvInto(channel, flags, into)
    channel.spare = operation
    return operation
  }

  protected recvfromOperation(size: number, flags: number): Recvfrom {
    return new Recvfrom(this.channel, flags, checkSize('size', size))
  }

  protected recvfromIntoOperation(buffer: ArrayBufferView, flags: number): RecvfromInto {
    return new RecvfromInto(this.channel, flags, checkBytes('buffer', buffer))
  }

  protected sendOperation(data: ArrayBufferView, flags: number): Send {
    return new Send(this.channel, checkBytes('data', data), flags)
  }

  protected sendAllOperation(data: ArrayBufferView, flags: number): SendAll {
    return new SendAll(this.channel, checkBytes('data', data), flags, isStream(this))
  }

  protected sendtoOperation(data: ArrayBufferView, address: AddressLike, flags: number): Sendto {
    const bytes = checkBytes('data', data)
    return new Sendto(
      this.channel,
      bytes,
      flags,
      addresses.encode(address, this.family),
      isUnixDatagram(this),
    )
  }

  protected recvmsgOperation(
    into: number | ArrayBufferView | ArrayBufferView[],
    flags: number,
    options: RecvmsgOptions,
  ): Recvmsg {
    const { controlSize, fds = 'close' } = options
    if (fds !== 'receive' && fds !== 'close') throw invalidType('op.fds', "'receive' or 'close'", fds)
    const room =
      controlSize === undefined
        ? undefined
        : new Uint8Array(checkInteger('op.controlSize', controlSize, 0, MAX_CONTROL))
    const target = typeof into === 'number' ? checkSize('size', into) : checkParts('into', into)
    return new Recvmsg(this.channel, target, flags, room, fds === 'receive' ? Infinity : 0)
  }

  protected recvFdsOperation(size: number, maxFds: number, flags: number): Recvmsg {
    const max = checkInteger('maxFds', maxFds, 0, 0x7fffffff)
    return new Recvmsg(this.channel, checkSize('size', size), flags, undefined, max, false)
  }

  protected receiveErrorsOperation(max?: number): ReceiveErrors {
    checkErrorQueue(this.family)
    return new ReceiveErrors(this.channel, max)
  }

  protected sendmsgOperation(message: OutgoingMessage, flags: number, now: boolean): Sendmsg | SendSegments {
    if (typeof message !== 'object') throw invalidType('message', 'object', message)
    const {
      data,
      address,
      control: given = [],
      segmentSize,
    } = checkOptions('message', message, OUTGOING_FIELDS)
    const bytes = address === undefined ? null : addresses.encode(address, this.family)
    const list = elementsOf('message.control', given)
    const controls = checkControls('message.control', list, haveForms(list) && sendsIPv6(this, bytes))
    const parts = checkParts('message.data', data as ArrayBufferView | ArrayBufferView[])
    if (segmentSize !== undefined) {
      const size = checkInteger('message.segmentSize', segmentSize, 1, 65535)
      // Others take no notice, and what was to be many datagrams would be one message.
      if (this.type !== SOCK_DGRAM || !isInet(this))
        throw systemError('sendmsg', errnoOf('ENOPROTOOPT'), { subject: 'segmentSize is for UDP' })
      return new SendSegments(this.channel, parts, size, flags, controls, bytes, now)
    }
    if (controls.some(isRights))
      return new SendFds(this.channel, parts, flags, controls, bytes, isUnixDatagram(this))
    const built = controls.length === 0 ? null : buildControl(controlLayout, controls)
    return new Sendmsg(this.channel, parts, flags, built, bytes, isUnixDatagram(this))
  }

  protected sendFdsOperation(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    flags: number,
  ): Sendmsg {
    const bytes = checkBytes('data', data)
    if (this.family !== AF_UNIX)
      throw systemError('sendmsg', errnoOf('EOPNOTSUPP'), { subject: 'descriptors travel over AF_UNIX only' })
    // The kernel would take the message and drop the descriptors.
    if (byteLengthOf(bytes) === 0 && isStream(this))
      throw outOfRange('data.byteLength', '>= 1 to carry descriptors on a stream', 0)
    return new SendFds(this.channel, [bytes], flags, [control.rights(fds)], null, isUnixDatagram(this))
  }

  protected connectOperation(address: AddressLike): Connect {
    return new Connect(this.channel, addresses.encode(address, this.family))
  }

  protected acceptOperation(): Accept<this> {
    return new Accept(this.channel, (channel: Channel, peer: Address | null) =>
      this.fromAdoption(new Adoption(channel, this.family, this.type, this.protocol, peer)),
    )
  }

  protected readyOperation(direction: typeof READ | typeof WRITE): Ready {
    return new Ready(this.channel, direction)
  }

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
    return new Sendfile(this.channel, checkFd('file', file), checkSendfile(options), driver)
  }

  /** Makes the operations of a loop over messages. */
  protected messageOperation(
    size: number,
    flags: number,
    options: RecvmsgOptions & { batch: number },
  ): () => Operation<Message> {
    const one = (): Operation<Message> => this.recvmsgOperation(size, flags, options)
    if (options.batch === 1 || this.family === AF_UNIX) return one
    one() // for its checks
    return messagesInBatches(this.channel, size, flags, options)
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

  /** recv(2), now or never: bytes, an empty Buffer at the end of the stream, or `null`. */
  tryRecv(size: number, flags = 0): Buffer | null {
    return reactor.attemptNow(this.channel, this.recvOperation(size, checkFlags(flags)))
  }

  /** recv(2) into your buffer, now or never: the number of bytes, or `null`. */
  tryRecvInto(buffer: ArrayBufferView, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.recvIntoOperation(buffer, checkFlags(flags)))
  }

  /** recvfrom(2), now or never. */
  tryRecvfrom(size: number, flags = 0): { data: Buffer; address: Address | null } | null {
    return reactor.attemptNow(this.channel, this.recvfromOperation(size, checkFlags(flags)))
  }

  /** recvfrom(2) into your buffer, now or never. */
  tryRecvfromInto(buffer: ArrayBufferView, flags = 0): { bytes: number; address: Address | null } | null {
    return reactor.attemptNow(this.channel, this.recvfromIntoOperation(buffer, checkFlags(flags)))
  }

  /** send(2), now or never: the number of bytes taken, or `null`. */
  trySend(data: ArrayBufferView, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendOperation(data, checkFlags(flags)))
  }

  /**
   * Everything at once: `true`, or `null` when nothing could be sent. When only a part was taken it
   * throws `EAGAIN` with `bytesSent`, since that part is on its way.
   */
  trySendAll(data: ArrayBufferView, flags = 0): true | null {
    const operation = this.sendAllOperation(data, checkFlags(flags))
    return reactor.attemptNow(this.channel, operation) === null ? operation.nothingSent() : true
  }

  /** sendto(2), now or never: the number of bytes, or `null`. */
  trySendto(data: ArrayBufferView, address: AddressLike, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendtoOperation(data, address, checkFlags(flags)))
  }

  /** recvmsg(2), now or never. */
  tryRecvmsg(
    into: number | ArrayBufferView | ArrayBufferView[],
    options?: RecvmsgOptions | number,
  ): Message | null {
    const own = ownOp(options)
    const { flags } = checkOp(own, null, RECVMSG_FIELDS)
    return reactor.attemptNow(this.channel, this.recvmsgOperation(into, flags, fieldsOfOp(own)))
  }

  /** The records of the error queue, now or never: at least one, or `null`. See `receiveErrors`. */
  tryReceiveErrors(): ErrorRecord[] | null {
    return reactor.attemptNow(this.channel, this.receiveErrorsOperation())
  }

  /** sendmsg(2), now or never: the number of bytes, or `null`. */
  trySendmsg(message: OutgoingMessage, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendmsgOperation(message, checkFlags(flags), true))
  }

  /** sendFds, now or never. */
  trySendFds(
    data: ArrayBufferView,
    fds: readonly (number | { readonly fd: number })[],
    flags = 0,
  ): number | null {
    return reactor.attemptNow(this.channel, this.sendFdsOperation(data, fds, checkFlags(flags)))
  }

  /** recvFds, now or never. */
  tryRecvFds(size: number, maxFds: number, flags = 0): ReceivedFds | null {
    const message = reactor.attemptNow(this.channel, this.recvFdsOperation(size, maxFds, checkFlags(flags)))
    return message === null ? null : receivedFds(message)
  }

  /** accept(2), now or never: a socket, or `null` when nobody waits. */
  tryAccept(): this | null {
    return reactor.attemptNow(this.channel, this.acceptOperation())
  }

  /** connect(2), now or never: `true` when connected, `null` while it is on its way (wait with `writable()`). */
  tryConnect(address: AddressLike): true | null {
    return reactor.attemptNow(this.channel, this.connectOperation(address)) === null ? null : true
  }

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
