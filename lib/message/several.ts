import { native } from '../binding/binding'
import {
  ADDRESS_SIZE,
  BATCH_BYTES,
  BATCH_CONTROL,
  BATCH_FLAGS,
  BATCH_NAME,
  BATCH_STRIDE,
  LARGE,
} from '../binding/shared'
import type { Control } from '../control/walk'
import { outOfRange } from '../errors'
import { addressAt } from '../host'
import type { Channel } from '../reactor/channel'
import { Message } from '.'
import { Kept } from './kept'
import { Places } from './places'
import { aligned, noBytes, pool } from './pool'
import { receiveControl } from './receive-control'
import type { NonSharedBuffer } from '../runtime/buffer'

/** Makes the distance of large messages odd in cache lines. Else all of them would compete for the same lines. */
const PADDING = 5 * 64
/** The maximum size in bytes: lengths inside it have 31 bits. */
const MAX_ROOM = 1 << 30
/** Memory of at most this many bytes is kept for the next loop, with its places. */
const KEPT_ROOM = 8 << 20
const empty = Buffer.alloc(0)

/**
 * Memory that several messages are received into by one call. They are copied out before the next call, so all sockets
 * of this environment can share it. The kernel touches only the pages that it writes to.
 */
export class Room {
  readonly #data: NonSharedBuffer
  /** The places of a call that has none, and those of the next call. */
  readonly #none: Places
  #places: Places
  /** The places of the last call, until those of the next one are made. Null if the next one gets none. */
  #last: Places | null = null
  /** The length of the first message of the last call, and how many of its messages had that length. */
  #usual = 0
  #similar = 0
  readonly #names: NonSharedBuffer
  /** The names as words, which are quicker to compare. */
  readonly #words: Int32Array
  readonly #control: Buffer
  readonly #fields: Int32Array
  readonly #stride: number
  /** The number of bytes that the messages of the last `take` had. */
  bytes = 0

  constructor(
    readonly count: number,
    readonly size: number,
    readonly controlSize: number,
  ) {
    const whole = count * (size + controlSize + ADDRESS_SIZE)
    if (whole > MAX_ROOM) throw outOfRange('options.size', `<= ${MAX_ROOM} bytes in total`, whole)
    this.#stride = aligned(size) + (size < LARGE ? 0 : PADDING)
    this.#data = Buffer.allocUnsafeSlow(count * this.#stride)
    this.#places = this.#none = new Places(this.#data, 0)
    this.#names = Buffer.allocUnsafeSlow(count * ADDRESS_SIZE)
    this.#words = new Int32Array(this.#names.buffer)
    this.#control = Buffer.allocUnsafeSlow(count * controlSize)
    this.#fields = new Int32Array(count * BATCH_STRIDE)
  }

  /** Receives at most `count` messages and returns their number, or −errno. recvmmsg(2) */
  receive(channel: Channel, count: number, flags: number): number {
    this.#prepare()
    return native.recvPacked(
      channel.id,
      this.#places.buffers,
      this.#names,
      this.#control,
      this.#fields,
      this.size,
      this.controlSize,
      this.#stride,
      count,
      flags,
      this.#places.length,
    )
  }

  /** Gives the received messages memory of their own, and returns the first. The channel keeps the others. */
  take(channel: Channel, messages: number): Message {
    let first: Message | null = null
    let message: Message | null = null
    let last: Kept | null = null
    let at = 0
    let copied = 0
    let similar = 0
    const usual = this.#length(0)
    const places = this.#places
    this.#places = this.#none // no later call gets the same memory, even if this code throws
    this.bytes = 0
    for (let i = 0; i < messages; i++) {
      const length = this.#length(i)
      // At the end of a stream recvmmsg(2) returns it in every place. The first one tells the caller.
      if (length === 0 && i > 0 && !channel.messages) break
      this.bytes += length
      if (length === usual) similar++
      let data = i < places.count ? places.next() : empty
      if (!places.filled(i, length)) {
        const large = length >= LARGE
        if (large) at = i * this.#stride
        else if (i >= copied) copied = this.#copy(places, i, messages, at)
        data = large ? pool.copy(this.#data, at, length) : length > 0 ? pool.cut(length) : noBytes()
        at += large ? this.#stride : aligned(length)
      }
      message = this.#message(channel, i, data, message)
      if (first === null) {
        first = message
        continue
      }
      const kept = new Kept(message)
      if (last === null) channel.leftover = kept
      else last.next = kept
      last = kept
    }
    // Messages of one length often follow each other.
    this.#last = usual === this.#usual ? places : null
    this.#usual = usual
    this.#similar = similar
    return first!
  }

  // Makes the places before the call: if this failed afterwards, the messages would be lost.
  #prepare(): void {
    const last = this.#last
    this.#last = null
    if (last !== null) this.#places = this.#placesAfter(last, this.#usual, this.#similar)
    if (!this.#places.whole) this.#places = this.#none
  }

  #placesAfter(last: Places, length: number, similar: number): Places {
    const same = last.length === length
    if (length === 0 || (similar < 2 && !same)) return this.#none
    const places = new Places(this.#data, length)
    if (same) places.addRest(last)
    if (similar > 1) places.fill(similar)
    return places.count > 0 ? places : this.#none
  }

  // Copies the small messages from place `i` on that fit into one piece of the pool. Returns the place after them.
  #copy(places: Places, i: number, messages: number, start: number): number {
    const room = pool.roomFor(this.#length(i))
    let end = start
    for (; i < messages; i++) {
      const length = this.#length(i)
      if (places.filled(i, length)) continue
      if (length >= LARGE || end - start + length > room) break
      end += aligned(length)
    }
    pool.put(this.#data, start, end - start)
    return i
  }

  #length(i: number): number {
    const bytes = this.#fields[i * BATCH_STRIDE + BATCH_BYTES]!
    return bytes < this.size ? bytes : this.size
  }

  #message(channel: Channel, i: number, data: NonSharedBuffer, before: Message | null): Message {
    const at = i * BATCH_STRIDE
    const fields = this.#fields
    const codec = channel.network.addresses
    const name = Math.min(fields[at + BATCH_NAME]!, ADDRESS_SIZE)
    return new Message({
      data,
      bytes: fields[at + BATCH_BYTES]!,
      address:
        before !== null && this.#repeats(i, name)
          ? before.address
          : addressAt(this.#names, i * ADDRESS_SIZE, name, codec),
      flags: fields[at + BATCH_FLAGS]!,
      control: this.#controlOf(i, fields[at + BATCH_CONTROL]!),
      fds: null,
      pidfd: null,
      codec,
    })
  }

  // True if message `i` has the same name as the one before. Most names have whole words.
  #repeats(i: number, length: number): boolean {
    if (length !== this.#fields[(i - 1) * BATCH_STRIDE + BATCH_NAME] || length % 4 !== 0) return false
    const words = this.#words
    const at = (i * ADDRESS_SIZE) / 4
    const before = at - ADDRESS_SIZE / 4
    for (let word = 0; word < length / 4; word++) if (words[at + word] !== words[before + word]) return false
    return true
  }

  #controlOf(i: number, length: number): Control[] {
    if (length === 0) return []
    const start = i * this.controlSize
    return receiveControl(this.#control.subarray(start, start + this.controlSize), length, null).control
  }
}

let latest: Room | null = null

/** Returns memory for such messages: the same as the last time, if that fits. A loop alone keeps large memory. */
export function roomFor(count: number, size: number, controlBytes: number): Room {
  const controlSize = aligned(controlBytes) // for the headers of control messages
  if (latest?.count === count && latest.size === size && latest.controlSize === controlSize) return latest
  const room = new Room(count, size, controlSize)
  if (count * (size + controlSize) <= KEPT_ROOM) latest = room
  return room
}
