import type { Address } from '../address'
import { READ } from '../binding/shared'
import { SOCK_SEQPACKET } from '../constants'
import { AF_UNIX, MSG_TRUNC, SOCK_STREAM } from '../constants/per-call'
import { systemError } from '../errors'
import { EAGAIN } from '../errors/errno'
import { addressAt } from '../host'
import { Message } from '../message'
import { deviceLoss } from '../message/device'
import { Kept } from '../message/kept'
import { NOT_REMOVING, removeLeftover } from '../message/leftover'
import { peerOf } from '../message/peer'
import { roomFor, type Room } from '../message/several'
import type { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'
import { CONTROL_ROOM, Recvmsg } from './message'

// The limits of the next system call: see NextMessage.
const ALL = 1 << 30
const FEW = 8

/**
 * Returns the next message. Receives several at once when none is left. The other messages become leftovers of the
 * channel, which the next receives of any kind return. recvmmsg(2)
 */
export class NextMessage<A extends Address> extends Operation<Message<A>> {
  /** The maximum number of messages for a system call. */
  #count: number
  /** The maximum for the next one: ALL, or FEW after a single message, or 1 if nothing followed that message. */
  #limit = ALL

  constructor(
    private readonly channel: Channel,
    private readonly room: Room,
    private readonly flags: number,
    /** True if the caller has not chosen the number of messages for one system call. */
    private readonly adapts: boolean,
  ) {
    super()
    this.#count = room.count
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recvmmsg'
  }

  override get ignoresDry(): boolean {
    return this.channel.leftover !== null
  }

  attempt(): number {
    const { channel, room } = this
    if (channel.leftover !== null) return 0
    // Other holders of the socket, if there may be any, get the other messages.
    const most = this.adapts && channel.shared ? 1 : this.#count
    const limit = this.#limit
    const result = room.receive(channel, Math.min(most, limit), this.flags)
    // To prepare for more messages, and to look for them, costs as much as another receive.
    if (limit === FEW) this.#limit = result === EAGAIN ? 1 : ALL
    else this.#limit = result === 1 ? FEW : ALL
    return result
  }

  value(messages: number): Message<A> {
    const { channel, room } = this
    if (messages > 0) {
      const first = room.take(channel, messages) as Message<A>
      if (this.adapts) this.#count = fitting(room.count, room.bytes / messages)
      return first
    }
    const { leftover } = channel
    if (!(leftover instanceof Kept) || leftover.data.length > room.size) return this.#part()
    channel.leftover = leftover.next
    return leftover.message as Message<A>
  }

  // A message that another loop or receive has left, or bytes of a stream.
  #part(): Message<A> {
    const { channel, room } = this
    const codec = channel.network.addresses
    const { data, bytes, address, flags, control } = channel.leftover!
    const length = Math.min(data.length, room.size)
    removeLeftover(channel, length) // of a stream, the rest stays for the next receive
    const cut = channel.messages && length < data.length
    const whole = channel.messages && (!cut || (this.flags & MSG_TRUNC) !== 0)
    return new Message<A>({
      data: length < data.length ? data.subarray(0, length) : data,
      bytes: whole ? bytes : length,
      address: addressAt(address, 0, address.length, codec) as A | null,
      flags: cut ? flags | MSG_TRUNC : flags,
      control: control.slice(),
      fds: null,
      pidfd: null,
      codec,
    })
  }

  failure(result: number): Error {
    const { channel } = this
    return systemError('recvmmsg', result, {
      address: peerOf(channel, result),
      device: deviceLoss(channel, result),
    })
  }
}

/** The bytes of so many messages are still in the CPU's cache when they are copied. */
const CACHED = 128 << 10

/** Returns how many messages of a length to receive at once. */
function fitting(most: number, length: number): number {
  return length * most <= CACHED ? most : Math.max(1, Math.floor(CACHED / length))
}

/** The maximum number of messages that a loop receives at once by default: the budget of one turn of the event loop. */
const USUAL_COUNT = 64
/** The maximum size of the memory for them by default. */
const USUAL_ROOM = 4 << 20

/** The socket that a loop over messages reads, and how. */
export interface MessageSource {
  readonly channel: Channel
  readonly family: number
  readonly type: number
  /** The maximum number of bytes of a message. */
  readonly size: number
  readonly flags: number
  /** The maximum number of messages for one system call. Undefined for the default. */
  readonly batch: number | undefined
  /** The room for the control messages of one message. Undefined for the default. */
  readonly controlSize: number | undefined
  /** The maximum number of descriptors of one message, or null if the caller asks for none. */
  readonly maxFds: number | null
}

/** Returns a function that creates the operations of a loop over messages. Each operation returns the next message. */
export function nextMessages<A extends Address>(source: MessageSource): () => Operation<Message<A>> {
  const make = receivesOne(source) ? oneByOne<A>(source) : several<A>(source)
  const spare = make()
  return () => (spare.taken ? make() : spare)
}

function receivesOne(source: MessageSource): boolean {
  const { channel, family, type, flags, batch, maxFds } = source
  // Each message of AF_UNIX may carry descriptors. A socket with connections has an end.
  if (family === AF_UNIX || maxFds !== null || batch === 1 || (flags & NOT_REMOVING) !== 0) return true
  const connects = type === SOCK_STREAM || type === SOCK_SEQPACKET
  if (batch === undefined && (connects || usualCount(source) < 2)) return true
  // On a stream, MSG_TRUNC leaves the memory unchanged: see Recvmsg.
  return (flags & MSG_TRUNC) !== 0 && !channel.messages
}

function oneByOne<A extends Address>(source: MessageSource): () => Recvmsg<A> {
  const { channel, size, flags, controlSize, maxFds } = source
  const room = (): Uint8Array | null => (controlSize === undefined ? null : new Uint8Array(controlSize))
  return () => new Recvmsg<A>(channel, { into: size, flags, control: room(), maxFds, pidfd: true })
}

function several<A extends Address>(source: MessageSource): () => NextMessage<A> {
  const { channel, size, flags, batch, controlSize = CONTROL_ROOM } = source
  const room = roomFor(batch ?? usualCount(source), size, controlSize)
  return () => new NextMessage<A>(channel, room, flags, batch === undefined)
}

function usualCount({ size, controlSize = CONTROL_ROOM }: MessageSource): number {
  return Math.min(USUAL_COUNT, Math.floor(USUAL_ROOM / (size + controlSize)))
}
