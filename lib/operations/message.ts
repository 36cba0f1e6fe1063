import type { Address, AddressLike } from '../address'
import { native } from '../binding/binding'
import { READ, STATE_CONTROL, STATE_FLAGS, STATE_SECOND, WRITE } from '../binding/shared'
import { IOV_MAX } from '../constants'
import { MSG_CTRUNC, MSG_TRUNC } from '../constants/per-call'
import { buildControl, type Control } from '../control/walk'
import { bufferGone, systemError } from '../errors'
import { elementsOf } from '../errors/argument'
import { EAGAIN, EBADF, EPERM } from '../errors/errno'
import { refusal } from '../errors/refusals'
import { Message } from '../message'
import { deviceLoss } from '../message/device'
import type { FdHandle } from '../message/fd'
import { HeldFds } from '../message/held-fds'
import { belowLowWater, fillingOf, peeked, receiveLeftover, type Filling } from '../message/filling'
import { ELSEWHERE, hasLeftover } from '../message/leftover'
import { peerOf } from '../message/peer'
import { pool } from '../message/pool'
import { carriesFds, controlLayout, receiveControl } from '../message/receive-control'
import { fdsOf, isOpen, isRights, notOpen } from '../message/rights'
import { reactor, readAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'
import { bufferOf, byteLengthOf, octetsOf } from '../struct'
import { checkBytes, unknownField, type Op } from '../validators'
import { whenConnected } from './send'
import type { NonSharedBuffer } from '../runtime/buffer'

export const MAX_CONTROL = 1 << 20

/** The options of recvmsg. */
export interface RecvmsgOptions extends Op {
  /** The room for control messages in bytes. Default: enough for every option that makes the kernel send some. */
  controlSize?: number | undefined
  /** What happens to received descriptors: `'receive'` puts them into `meta.fds`; `'close'`, the default, closes them. */
  fds?: 'receive' | 'close' | undefined
}

export const RECVMSG_FIELDS = ['controlSize', 'fds'] satisfies (keyof RecvmsgOptions)[]

/** The message that sendmsg sends. */
export interface OutgoingMessage<A extends Address = Address> {
  /** One buffer, or several that the kernel gathers into one message. */
  data: ArrayBufferView | readonly ArrayBufferView[]
  /** The destination. Absent or `null` on a connected socket. */
  address?: AddressLike<A> | null | undefined
  control?: readonly Control[] | undefined
  /**
   * Cuts the data into datagrams of this size, 1 to 65535 bytes. The last datagram may be shorter. On Linux the kernel
   * cuts the data (UDP GSO), which is some ten times faster than one call for each datagram. Elsewhere, and where GSO
   * does not work, each datagram takes one call.
   */
  segmentSize?: number | undefined
  /** With `true`, sendmsg waits for the transmit timestamp: see TimestampedMessage. */
  timestamp?: false | undefined
}

/** A message whose transmit timestamp sendmsg waits for. */
export interface TimestampedMessage<A extends Address = Address> extends Omit<
  OutgoingMessage<A>,
  'segmentSize' | 'timestamp'
> {
  /** Waits until the kernel has handed the packet to the device, and returns the time. Linux. */
  timestamp: true
}

/** The fields of both kinds of messages. */
interface OutgoingFields extends Omit<OutgoingMessage, 'timestamp'> {
  timestamp?: unknown
}

const OUTGOING_FIELDS = [
  'data',
  'address',
  'control',
  'segmentSize',
  'timestamp',
] satisfies (keyof OutgoingMessage)[]

/** Reads the own fields of a message to send, each once. Throws for an unknown field. */
export function checkMessage(message: OutgoingFields): OutgoingFields {
  const { hasOwn } = Object
  const own: OutgoingFields = {
    data: undefined as never,
    address: undefined,
    control: undefined,
    segmentSize: undefined,
    timestamp: undefined,
  }
  // A loop instead of checkOptions, whose copy would cost a third of a send.
  for (const key in message) {
    if (!hasOwn(message, key)) continue
    if (key === 'data') own.data = message.data
    else if (key === 'address') own.address = message.address
    else if (key === 'control') own.control = message.control
    else if (key === 'segmentSize') own.segmentSize = message.segmentSize
    else if (key === 'timestamp') own.timestamp = message.timestamp
    else
      throw unknownField(
        'message',
        key,
        (message as unknown as Record<string, unknown>)[key],
        OUTGOING_FIELDS,
      )
  }
  return own
}

/** The result of recvFds. */
export interface ReceivedFds<A extends Address = Address> {
  data: NonSharedBuffer
  fds: FdHandle[]
  flags: number
  address: A | null
}

/** Returns the result of recvFds for a received message. */
export function receivedFds<A extends Address>(message: Message<A>): ReceivedFds<A> {
  return { data: message.data, fds: message.meta.fds ?? [], flags: message.flags, address: message.address }
}

/** Checks one buffer or an array of at most IOV_MAX buffers, and returns a new array of them. */
export function checkParts(name: string, value: ArrayBufferView | ArrayBufferView[]): ArrayBufferView[] {
  if (!Array.isArray(value)) return [checkBytes(name, value)]
  return elementsOf(name, value, IOV_MAX).map((part, i) => checkBytes(`${name}[${i}]`, part))
}

/**
 * The number of bytes for every control message that options can enable, and 512 descriptors. Darwin drops what
 * does not fit.
 */
export const CONTROL_ROOM = 4096

const NO_LENGTHS: readonly number[] = []

// All operations share this buffer, because it is read before the next receive.
const scratch = new Uint8Array(CONTROL_ROOM)

/** Clears what an earlier call has left in the shared memory. */
function clearState(): void {
  const { state } = reactor.memory
  state[STATE_FLAGS] = state[STATE_CONTROL] = 0
}

/** True if the memory of a view was detached or became smaller since the call. */
function haveShrunk(views: readonly ArrayBufferView[], lengths: readonly number[]): boolean {
  for (let i = 0; i < views.length; i++) if (byteLengthOf(views[i]!) < lengths[i]!) return true
  return false
}

/** Returns the first bytes of the caller's memory. It is shared memory only if the caller has chosen that. */
function firstOf(view: ArrayBufferView, length: number): NonSharedBuffer {
  return bufferOf(view).subarray(0, length) as NonSharedBuffer
}

/** What a Recvmsg receives, and where. */
export interface Incoming {
  /** The caller's buffers, or the size in bytes of a Buffer that is created when a message arrives. */
  readonly into: number | ArrayBufferView[]
  readonly flags: number
  /** The room for control messages; `null` for memory that all operations share. */
  readonly control: Uint8Array | null
  /** The maximum number of descriptors for the caller, or null if it asks for none. Others are closed. */
  readonly maxFds: number | null
  /** True if the caller can receive the sender's pidfd. */
  readonly pidfd: boolean
}

/** Receives one message. recvmsg(2) */
export class Recvmsg<A extends Address = Address> extends Operation<Message<A>> {
  private readonly into: number | ArrayBufferView[]
  private readonly flags: number
  private readonly control: Uint8Array
  private readonly maxFds: number | null
  private readonly pidfd: boolean
  readonly #lengths: readonly number[]
  readonly #size: number
  /** The bytes of a receive with MSG_WAITALL, else null. */
  readonly #filling: Filling | null

  constructor(
    private readonly channel: Channel,
    { into, flags, control, maxFds, pidfd }: Incoming,
  ) {
    super()
    this.into = into
    this.flags = flags
    this.control = control ?? scratch
    this.maxFds = maxFds
    this.pidfd = pidfd
    this.#lengths = typeof into === 'number' ? NO_LENGTHS : into.map(byteLengthOf)
    this.#size = typeof into === 'number' ? into : this.#lengths.reduce((sum, length) => sum + length, 0)
    this.#filling = fillingOf(channel, flags, this.#size)
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recvmsg'
  }

  attempt(): number {
    const { channel, into, flags } = this
    if (typeof into !== 'number' && haveShrunk(into, this.#lengths)) throw bufferGone('recvmsg')
    if (this.#filling !== null) return this.#fill(this.#filling)
    if (hasLeftover(channel, flags)) {
      const targets =
        typeof into === 'number' ? [this.#reserve(into).subarray(pool.at, pool.at + into)] : into
      return receiveLeftover(channel, flags, targets.map(octetsOf), this.#size, this.control)
    }
    if (belowLowWater(channel, flags)) return EAGAIN
    const result =
      typeof into === 'number'
        ? native.recvmsg(channel.id, this.#reserve(into), this.control, flags, pool.at, into)
        : native.recvmsg(channel.id, into.length === 1 ? into[0]! : into, this.control, flags)
    return peeked(channel, flags, this.#size, result)
  }

  // The kernel ends such a receive where descriptors come, so that those of two messages are not mixed.
  #fill(filling: Filling): number {
    clearState()
    return filling.attempt(
      (into, flags) => native.recvmsg(this.channel.id, [into], this.control, flags),
      () => carriesFds(this.control, reactor.memory.state[STATE_CONTROL]!),
    )
  }

  #reserve(size: number): NonSharedBuffer {
    const room = pool.reserve(size)
    // On a stream, MSG_TRUNC discards bytes and leaves the buffer unchanged. Clear it, so that old memory is not
    // exposed.
    return (this.flags & MSG_TRUNC) !== 0 ? room.fill(0, pool.at, pool.at + size) : room
  }

  value(result: number, _where: number, place: number, addressLength: number): Message<A> {
    const { state } = reactor.memory
    const flags = state[STATE_FLAGS]!
    const address = readAddress(this.channel, place, addressLength) as A | null
    const { control, fds, surplus, pidfd } = receiveControl(
      this.control,
      state[STATE_CONTROL]!,
      this.maxFds,
      this.channel.extras?.pidfds === true && this.pidfd,
    )
    return new Message({
      data: this.#data(result),
      bytes: result,
      address,
      flags: surplus ? flags | MSG_CTRUNC : flags,
      control,
      fds,
      pidfd,
      codec: this.channel.network.addresses,
    })
  }

  #data(length: number): NonSharedBuffer {
    if (this.#filling !== null) return this.#filled(this.#filling.take())
    if (typeof this.into === 'number') return pool.take(Math.min(length, this.into))
    if (this.into.length === 1) return firstOf(this.into[0]!, length)
    return Buffer.concat(this.into.map(bufferOf)).subarray(0, length)
  }

  #filled(bytes: NonSharedBuffer): NonSharedBuffer {
    if (typeof this.into === 'number') return bytes
    let at = 0
    for (let i = 0; i < this.into.length; i++) at += bytes.copy(bufferOf(this.into[i]!), 0, at)
    return this.into.length === 1 ? firstOf(this.into[0]!, bytes.length) : bytes
  }

  override abandon(reason: Error): Error {
    this.#filling?.giveBack()
    return reason
  }

  override pass(): null {
    this.#filling?.giveBack()
    return null
  }

  failure(result: number): Error {
    return systemError('recvmsg', result, {
      address: peerOf(this.channel, result),
      device: deviceLoss(this.channel, result),
    })
  }

  override get ignoresDry(): boolean {
    return (this.flags & ELSEWHERE) !== 0 || this.channel.leftover !== null
  }
}

// Native code marks its own EPERM with a reason, to distinguish it from the kernel's.
function refusedControl(control: Uint8Array | null, result: number): string | undefined {
  if (control === null || control.length === 0 || result !== EPERM) return undefined
  return refusal(reactor.memory.state[STATE_SECOND]!, 'control')
}

/** The checked message of a Sendmsg. */
export interface Outgoing {
  readonly data: ArrayBufferView[]
  readonly flags: number
  readonly address: Uint8Array | null
  /** True if poll(2) does not report when a full receiver has room again: see Sendto. */
  readonly unixDatagram: boolean
}

/** Sends one message and returns the number of bytes. sendmsg(2) */
export class Sendmsg extends Operation<number> {
  private readonly data: ArrayBufferView[]
  private readonly flags: number
  private readonly address: Uint8Array | null
  private readonly unixDatagram: boolean
  readonly #lengths: readonly number[]

  constructor(
    private readonly channel: Channel,
    { data, flags, address, unixDatagram }: Outgoing,
    protected control: Uint8Array | null,
  ) {
    super()
    this.data = data
    this.flags = flags
    this.address = address
    this.unixDatagram = unixDatagram
    this.#lengths = data.length === 1 ? [byteLengthOf(data[0]!)] : data.map(byteLengthOf)
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'sendmsg'
  }

  attempt(): number {
    const { channel, data, control, flags, address } = this
    if (haveShrunk(data, this.#lengths)) throw bufferGone('sendmsg')
    // An array costs more calls of Node-API than its only element.
    const parts = data.length === 1 ? data[0]! : data
    return whenConnected(native.sendmsg(channel.id, parts, control, flags, address))
  }

  value(result: number): number {
    return result
  }

  failure(result: number): Error {
    return systemError('sendmsg', result, {
      address:
        this.address === null
          ? peerOf(this.channel, result)
          : this.channel.network.addresses.decode(this.address),
      subject: this.complaint(result),
      control: this.control !== null,
      device: this.address === null ? deviceLoss(this.channel, result) : undefined,
      refused: refusedControl(this.control, result),
    })
  }

  /** What is wrong with the message, if an error is the fault of its content. */
  protected complaint(_result: number): string | undefined {
    return undefined
  }

  override get spurious(): boolean {
    return this.unixDatagram && this.address !== null
  }
}

/** Sends one message with descriptors. Before it waits, it duplicates them. sendmsg(2) */
export class SendFds extends Sendmsg {
  readonly #held = new HeldFds()
  #isHeld = false

  constructor(
    channel: Channel,
    outgoing: Outgoing,
    private readonly controls: readonly Control[],
  ) {
    super(channel, outgoing, buildControl(controlLayout, controls))
  }

  override hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.control = this.#held.duplicate(this.controls)
  }

  protected override complaint(result: number): string | undefined {
    if (result !== EBADF || this.#isHeld) return undefined
    const fd = this.controls
      .filter(isRights)
      .flatMap(fdsOf)
      .find(each => !isOpen(each))
    return fd === undefined ? undefined : notOpen(result, fd)
  }

  override value(result: number): number {
    this.#held.close()
    return result
  }

  override abandon(reason: Error): Error {
    this.#held.close()
    return reason
  }

  override pass(): null {
    this.#held.close()
    return null
  }
}
