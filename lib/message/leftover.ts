import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import { ADDRESS_SIZE, STATE_ADDRESS, STATE_CONTROL, STATE_FLAGS } from '../binding/shared'
import { constants, MSG_OOB } from '../constants'
import { MSG_CTRUNC, MSG_PEEK, MSG_TRUNC } from '../constants/per-call'
import { buildControl } from '../control/walk'
import { reactor } from '../reactor'
import type { Channel, Leftover } from '../reactor/channel'
import type { NonSharedBuffer } from '../runtime/buffer'
import { bufferOf, octetsOf } from '../struct'
import { controlLayout } from './receive-control'
import { ReadBuffer } from './read-buffer'

/** Flags of a receive that does not read the next bytes of the stream. */
// uncovered: only on a system without this constant
export const ELSEWHERE = MSG_OOB | (constants.MSG_ERRQUEUE ?? 0)
/** The flags of receives that do not remove the next data from the socket's queue. */
export const NOT_REMOVING = ELSEWHERE | MSG_PEEK

const none = new Uint8Array(0)

/** True if a receive with these flags must first return data that an earlier one could not deliver. */
export function hasLeftover(channel: Channel, flags: number): boolean {
  return channel.leftover !== null && (flags & ELSEWHERE) === 0
}

/**
 * Keeps one message, or bytes of a stream, for the next receive, which may hand out this memory. `address` is the
 * sockaddr of the sender.
 */
export function keep(channel: Channel, data: Uint8Array, address: Uint8Array = none): void {
  const { leftover } = channel
  const own = bufferOf(data) as NonSharedBuffer // memory of this package: callers copy what is not
  const kept = { data: own, bytes: data.length, address, flags: 0, control: [] }
  channel.leftover = { ...kept, next: leftover }
}

/**
 * Gives back bytes that were read from a stream but could not be delivered. The next receive returns them first, before
 * the bytes that an earlier call gave back. Also serves a receive that already waits.
 */
export function giveBack(channel: Channel, data: Uint8Array): void {
  if (data.length === 0 || channel.fd < 0) return
  if (channel.leftover instanceof ReadBuffer) channel.leftover.unshift(data)
  else keep(channel, data)
  reactor.serveOthers(channel)
}

/** Returns all bytes of a stream that were given back, in one piece. The caller stores it in `channel.leftover`. */
export function joined({ leftover }: Channel): ReadBuffer {
  if (leftover instanceof ReadBuffer) return leftover
  const buffer = new ReadBuffer()
  for (let each = leftover; each !== null; each = each.next) buffer.append(each.data)
  return buffer
}

/** Removes `length` bytes of the oldest data. Of a message, also removes the rest, as the kernel does. */
export function removeLeftover(channel: Channel, length: number): void {
  const { data, bytes, address, flags, next } = channel.leftover!
  const ends = channel.messages || length >= data.length
  channel.leftover = ends ? next : { data: data.subarray(length), bytes, address, flags, control: [], next }
}

/**
 * Copies the oldest message, or bytes that were given back, into `targets` and `control`. Returns what the system call
 * would return, and stores the address of the sender, the flags and the length of the control messages where a direct
 * system call stores them.
 */
export function takeLeftover(
  channel: Channel,
  flags: number,
  targets: readonly Uint8Array[],
  control: Uint8Array = none,
): number {
  const oldest = channel.leftover!
  const { data, bytes, address } = oldest
  let length = 0
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    // A program can detach memory that it shares with this data. Then the length is 0, and not even an empty view can be made.
    const part = data.length === 0 ? none : data.subarray(length, length + target.length)
    target.set(part)
    length += part.length
  }
  const { addresses, state } = reactor.memory
  addresses.set(address, DIRECT * ADDRESS_SIZE)
  state[STATE_ADDRESS] = address.length
  const cut = channel.messages && length < data.length
  state[STATE_FLAGS] = oldest.flags | (cut ? MSG_TRUNC : 0) | copyControl(oldest, control)
  if ((flags & MSG_PEEK) === 0) removeLeftover(channel, length)
  return channel.messages && (flags & MSG_TRUNC) !== 0 ? bytes : length
}

// Returns the flag MSG_CTRUNC if the room is too small.
function copyControl({ control }: Leftover, room: Uint8Array): number {
  const { state } = reactor.memory
  state[STATE_CONTROL] = 0
  if (control.length === 0) return 0
  const built = buildControl(controlLayout, control)
  room.set(built.subarray(0, room.length))
  state[STATE_CONTROL] = Math.min(built.length, room.length)
  return built.length > room.length ? MSG_CTRUNC : 0
}

/** Receives one message like recvmsg(2), but first those that an earlier receive could not deliver. */
export function receiveMessage(
  channel: Channel,
  targets: ArrayBufferView[],
  control: Uint8Array,
  flags: number,
): number {
  if (hasLeftover(channel, flags)) return takeLeftover(channel, flags, targets.map(octetsOf), control)
  return native.recvmsg(channel.id, targets, control, flags)
}
