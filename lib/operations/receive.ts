import { types } from 'node:util'
import type { Address } from '../address'
import { native } from '../binding/binding'
import type { Memory } from '../binding/memory'
import {
  ADDRESS_SIZE,
  READ,
  READ_FLAGS,
  READ_OPCODE,
  READ_SIZE,
  RECEIVE,
  RECEIVE_FROM,
  SLOT_STRIDE,
} from '../binding/shared'
import { MSG_PEEK, MSG_TRUNC, MSG_WAITALL } from '../constants/per-call'
import { bufferGone, systemError } from '../errors'
import { EAGAIN } from '../errors/errno'
import { belowLowWater, fillingOf, peeked, receiveLeftover, type Filling } from '../message/filling'
import { ELSEWHERE, hasLeftover, keep } from '../message/leftover'
import { deviceLoss } from '../message/device'
import { peerOf } from '../message/peer'
import { noBytes, pool, SMALL } from '../message/pool'
import { reactor, readAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'
import { byteLengthOf, octetsOf, uncurried } from '../struct'
import type { NonSharedBuffer } from '../runtime/buffer'

/** Up to this number of bytes, a loop is faster than a view and `set`. */
const LOOP = 96
// Code outside this package may have overridden `set` on the caller's view.
const setBytes = uncurried<(to: Uint8Array, from: Uint8Array) => void>(
  Reflect.get(Uint8Array.prototype, 'set'),
)

/** The flags of receives that JavaScript makes, never native code. */
const BY_ATTEMPT = MSG_TRUNC | MSG_WAITALL

const { isUint8Array } = types
const { memory } = reactor
const inbox = Buffer.from(memory.inbox.buffer)
const empty = Buffer.alloc(0)

function copyOut(target: Uint8Array, where: number, length: number): void {
  if (length > LOOP) return setBytes(target, inbox.subarray(where, where + length))
  let i = 0
  // V8 does not unroll loops.
  for (const whole = length & ~7; i < whole; i += 8) {
    const from = where + i
    target[i] = inbox[from]!
    target[i + 1] = inbox[from + 1]!
    target[i + 2] = inbox[from + 2]!
    target[i + 3] = inbox[from + 3]!
    target[i + 4] = inbox[from + 4]!
    target[i + 5] = inbox[from + 5]!
    target[i + 6] = inbox[from + 6]!
    target[i + 7] = inbox[from + 7]!
  }
  for (; i < length; i++) target[i] = inbox[where + i]!
}

/** The common part of recv(2) and recvfrom(2), into new or existing memory. */
abstract class ReceiveOperation<T> extends Operation<T> {
  /** The bytes of a receive with MSG_WAITALL, else null. */
  protected filling: Filling | null

  constructor(
    protected readonly channel: Channel,
    protected flags: number,
    protected size: number,
  ) {
    super()
    this.filling = fillingOf(channel, flags, size)
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return this.named ? 'recvfrom' : 'recv'
  }

  /** True if the address of the sender is needed. */
  protected get named(): boolean {
    return false
  }

  override get ignoresDry(): boolean {
    return (this.flags & ELSEWHERE) !== 0 || this.channel.leftover !== null
  }

  /** Receives into `size` bytes of `into` from byte `at` on, or into all of it. */
  protected receive(into: ArrayBufferView, at: number | undefined): number {
    const { channel, flags, size } = this
    if (hasLeftover(channel, flags)) {
      const start = at ?? 0
      return receiveLeftover(channel, flags, [octetsOf(into).subarray(start, start + size)], size)
    }
    if (belowLowWater(channel, flags)) return EAGAIN
    return peeked(channel, flags, size, this.#call(into, flags, at, size))
  }

  protected fill(filling: Filling): number {
    return filling.attempt((into, flags) => this.#call(into, flags, undefined, into.length))
  }

  #call(into: ArrayBufferView, flags: number, at: number | undefined, size: number): number {
    // An offset and a length cost 20 ns. Without them native code takes the whole view.
    if (at === undefined)
      return this.named
        ? native.recvfrom(this.channel.id, into, flags)
        : native.recv(this.channel.id, into, flags)
    return this.named
      ? native.recvfrom(this.channel.id, into, flags, at, size)
      : native.recv(this.channel.id, into, flags, at, size)
  }

  override abandon(reason: Error): Error {
    this.filling?.giveBack()
    return reason
  }

  override pass(): null {
    this.filling?.giveBack()
    return null
  }

  // For small receives, native code reads into the inbox when data arrives, and the bytes are copied from there.
  // That is cheaper than another call, and a waiting receive holds no memory. Larger receives run from JavaScript.
  override arm(shared: Memory, index: number): void {
    // On a stream, MSG_TRUNC leaves the memory unchanged. Only an attempt from JavaScript can clear it first. With
    // MSG_WAITALL the operation may need several attempts.
    if (this.size > SMALL || (this.flags & BY_ATTEMPT) !== 0) return super.arm(shared, index)
    const at = index * SLOT_STRIDE
    shared.table[at + READ_OPCODE] = this.named ? RECEIVE_FROM : RECEIVE
    shared.table[at + READ_FLAGS] = this.flags
    shared.table[at + READ_SIZE] = this.size
  }

  failure(result: number): Error {
    return systemError(this.syscall, result, {
      address: peerOf(this.channel, result),
      device: deviceLoss(this.channel, result),
    })
  }
}

/** Receives into a new Buffer. The operation object can be used again when it has ended. */
abstract class ReceiveBuffer<T> extends ReceiveOperation<T> {
  // Older V8 runs the iterator of arrays in an inherited constructor, and other code may have changed it.
  constructor(channel: Channel, flags: number, size: number) {
    super(channel, flags, size)
  }

  /** Prepares the operation for the next receive. */
  reuse(size: number, flags: number): this {
    this.size = size
    this.flags = flags
    this.filling = fillingOf(this.channel, flags, size)
    return this
  }

  attempt(): number {
    if (this.filling !== null) return this.fill(this.filling)
    const room = pool.reserve(this.size)
    if ((this.flags & MSG_TRUNC) !== 0) room.fill(0, pool.at, pool.at + this.size) // do not expose old memory
    return this.receive(room, pool.at)
  }

  protected take(result: number, where: number): NonSharedBuffer {
    const length = Math.min(result, this.size) // with MSG_TRUNC the result is the real length of a datagram
    if (length === 0) return noBytes()
    if (this.filling !== null) return this.filling.take()
    return where < 0 ? pool.take(length) : pool.copy(inbox, where, length)
  }
}

/** Receives into a new Buffer. recv(2) */
export class Recv extends ReceiveBuffer<NonSharedBuffer> {
  // Older V8 runs the iterator of arrays in an inherited constructor, and other code may have changed it.
  constructor(channel: Channel, flags: number, size: number) {
    super(channel, flags, size)
  }

  override attempt(): number {
    return this.size === 0 ? 0 : super.attempt()
  }

  value(result: number, where: number): NonSharedBuffer {
    return this.take(result, where)
  }
}

/** Receives into a new Buffer and returns the sender. recvfrom(2) */
export class Recvfrom<A extends Address> extends ReceiveBuffer<{ data: NonSharedBuffer; address: A | null }> {
  protected override get named(): boolean {
    return true
  }

  value(
    result: number,
    where: number,
    address: number,
    length: number,
  ): { data: NonSharedBuffer; address: A | null } {
    return { data: this.take(result, where), address: readAddress(this.channel, address, length) as A | null }
  }
}

/** Receives into the caller's memory. The operation object is reused, so it drops the buffer when it ends. */
abstract class ReceiveInto<T> extends ReceiveOperation<T> {
  constructor(
    channel: Channel,
    flags: number,
    protected buffer: ArrayBufferView,
  ) {
    super(channel, flags, byteLengthOf(buffer))
  }

  /** Prepares the operation for the next receive. */
  reuse(buffer: ArrayBufferView, flags: number): this {
    this.buffer = buffer
    this.size = byteLengthOf(buffer)
    this.flags = flags
    this.filling = fillingOf(this.channel, flags, this.size)
    return this
  }

  attempt(): number {
    const length = byteLengthOf(this.buffer)
    if (length < this.size) throw bufferGone(this.syscall)
    if (this.filling !== null) return this.fill(this.filling)
    return this.receive(this.buffer, length === this.size ? undefined : 0) // a resizable view may have grown
  }

  protected deliver(result: number, where: number, address: number, addressLength: number): void {
    const { buffer, filling } = this
    this.buffer = empty
    if (filling !== null) return setBytes(octetsOf(buffer), filling.take())
    if (where < 0) return // the bytes are already in the buffer
    const { size } = this
    const length = Math.min(result, size)
    const bytes = isUint8Array(buffer) ? buffer : octetsOf(buffer)
    // To read the last byte costs less than to ask for the length.
    if (size > 0 && bytes[size - 1] === undefined) {
      // The buffer was detached or became smaller during the wait. The next receive returns these bytes. After
      // MSG_PEEK they are still in the socket's queue.
      if ((this.flags & MSG_PEEK) === 0) {
        const start = address * ADDRESS_SIZE
        const from = memory.addresses.slice(start, start + Math.min(addressLength, ADDRESS_SIZE))
        keep(this.channel, Uint8Array.from(inbox.subarray(where, where + length)), from)
      }
      throw bufferGone(this.syscall)
    }
    copyOut(bytes, where, length)
  }

  override abandon(reason: Error): Error {
    this.buffer = empty
    return super.abandon(reason)
  }

  override pass(): null {
    this.buffer = empty
    return super.pass()
  }
}

/** Receives into the caller's buffer and returns the number of bytes. recv(2) */
export class RecvInto extends ReceiveInto<number> {
  value(result: number, where: number, address: number, addressLength: number): number {
    this.deliver(result, where, address, addressLength)
    return result
  }
}

/** Receives into the caller's buffer and returns the number of bytes and the sender. recvfrom(2) */
export class RecvfromInto<A extends Address> extends ReceiveInto<{ bytes: number; address: A | null }> {
  protected override get named(): boolean {
    return true
  }

  value(
    result: number,
    where: number,
    address: number,
    length: number,
  ): { bytes: number; address: A | null } {
    this.deliver(result, where, address, length)
    return { bytes: result, address: readAddress(this.channel, address, length) as A | null }
  }
}
