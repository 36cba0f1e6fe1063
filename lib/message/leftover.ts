import { reactor } from '../reactor'
import { DIRECT } from '../binding/memory'
import type { Channel } from '../reactor/channel'
import { ADDRESS_SIZE, STATE_ADDRESS } from '../binding/shared'
import { constants, MSG_OOB, MSG_PEEK } from '../constants'
import { ReadBuffer } from './read-buffer'

/** Flags of a receive that does not read the next bytes of the stream. */
export const ELSEWHERE = MSG_OOB | (constants.MSG_ERRQUEUE ?? 0)

/** True if a receive with these flags must first return bytes that an earlier one could not deliver. */
export function hasLeftover(channel: Channel, flags: number): boolean {
  return channel.leftover !== null && (flags & ELSEWHERE) === 0
}

/**
 * Gives back bytes that were read from a stream but could not be delivered. The next receive returns them first, before
 * the bytes that an earlier call gave back. Also serves a receive that already waits.
 */
export function giveBack(channel: Channel, data: Uint8Array): void {
  if (data.length === 0 || channel.fd < 0) return
  const { leftover } = channel
  if (leftover instanceof ReadBuffer) {
    leftover.unshift(data)
  } else {
    channel.leftover = {
      data: leftover === null ? data : Buffer.concat([data, leftover.data]),
      address: new Uint8Array(0),
    }
  }
  reactor.serveOthers(channel)
}

/**
 * Copies the bytes that were given back into `targets`, in order, and returns how many. Stores the sender's address
 * where a direct system call stores it.
 */
export function takeLeftover(channel: Channel, flags: number, targets: readonly Uint8Array[]): number {
  const { data, address } = channel.leftover!
  let length = 0
  for (const target of targets) {
    const part = data.subarray(length, length + target.length)
    target.set(part)
    length += part.length
  }
  reactor.memory.addresses.set(address, DIRECT * ADDRESS_SIZE)
  reactor.memory.state[STATE_ADDRESS] = address.length
  if ((flags & MSG_PEEK) !== 0) return length
  const rest = data.subarray(length)
  channel.leftover = rest.length > 0 && !channel.messages ? { data: rest, address } : null
  return length
}
