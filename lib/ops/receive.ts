import type { Address } from '../address'
import { bufferGone, systemError } from '../errors'
import { native, reactor, readAddress } from '../internal/environment'
import { EAGAIN } from '../internal/errno'
import type { Memory } from '../internal/memory'
import { Operation } from '../internal/operation'
import type { Channel } from '../internal/reactor'
import {
  DIRECT_ROOM,
  INBOX_SIZE,
  READ,
  READ_FLAGS,
  READ_OPCODE,
  READ_SIZE,
  RECEIVE,
  RECEIVE_FROM,
  RECEIVE_FROM_INBOX,
  RECEIVE_INBOX,
  SLOT_STRIDE,
} from '../internal/shared'

/** Up to this size a new Buffer is filled by way of the inbox: what waits then holds no memory. */
const SMALL = DIRECT_ROOM
/** C++ keeps an armed buffer's size in 31 bits. */
const LARGEST_ARMED = 0x7fffffff

const MSG_TRUNC = native.constants.MSG_TRUNC!
/** Reads of something else than the next data: that there is no data says nothing about them. */
const ELSEWHERE = native.constants.MSG_OOB! | (native.constants.MSG_ERRQUEUE ?? 0)

const inbox = Buffer.from(reactor.memory.inbox.buffer)
const empty = Buffer.alloc(0)

function armRead(memory: Memory, index: number, opcode: number, flags: number, size: number): void {
  const at = index * SLOT_STRIDE
  memory.table[at + READ_OPCODE] = opcode
  memory.table[at + READ_FLAGS] = flags
  memory.table[at + READ_SIZE] = size
}

abstract class ReceiveOperation<T> extends Operation<T> {
  constructor(
    protected readonly channel: Channel,
    protected flags: number,
  ) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recv'
  }

  failure(result: number): Error {
    return systemError(this.syscall, result)
  }

  override get ignoresDry(): boolean {
    return (this.flags & ELSEWHERE) !== 0
  }
}

/** recv(2) or recvfrom(2) into a Buffer of its own. */
abstract class ReceiveBuffer<T> extends ReceiveOperation<T> {
  #buffer: Buffer | null = null

  constructor(
    channel: Channel,
    flags: number,
    protected readonly size: number,
  ) {
    super(channel, flags)
  }

  protected abstract receive(into: Uint8Array, offset: number): number
  protected abstract get inboxOpcode(): number

  attempt(): number {
    // MSG_TRUNC on a stream throws bytes away and leaves the memory as it was: never show what that held.
    const clean = (this.flags & MSG_TRUNC) !== 0
    if (this.size <= SMALL) {
      if (clean) inbox.fill(0, INBOX_SIZE, INBOX_SIZE + this.size)
      return this.receive(inbox, INBOX_SIZE)
    }
    this.#buffer ??= clean ? Buffer.alloc(this.size) : Buffer.allocUnsafeSlow(this.size)
    const result = this.receive(this.#buffer, 0)
    if (result === EAGAIN) this.#buffer = null // it may wait for long
    return result
  }

  override arm(memory: Memory, index: number): void {
    if (this.size > SMALL || (this.flags & MSG_TRUNC) !== 0) super.arm(memory, index)
    else armRead(memory, index, this.inboxOpcode, this.flags, this.size)
  }

  protected take(result: number, where: number): Buffer {
    const length = Math.min(result, this.size) // MSG_TRUNC tells the real length of a datagram
    if (length === 0) return empty
    const direct = this.#buffer
    // Most of a large buffer unused: a copy lets go of the rest.
    if (direct !== null && length > this.size >> 1) return direct.subarray(0, length)
    const start = direct !== null ? 0 : where < 0 ? INBOX_SIZE : where
    const copy = Buffer.allocUnsafe(length)
    ;(direct ?? inbox).copy(copy, 0, start, start + length)
    return copy
  }
}

/** recv(2) → Buffer. */
export class Recv extends ReceiveBuffer<Buffer> {
  protected get inboxOpcode(): number {
    return RECEIVE_INBOX
  }

  override attempt(): number {
    return this.size === 0 ? 0 : super.attempt()
  }

  protected receive(into: Uint8Array, offset: number): number {
    return native.recv(this.channel.id, into, this.flags, offset, this.size)
  }

  value(result: number, where: number): Buffer {
    return this.take(result, where)
  }
}

/** recvfrom(2) → Buffer and sender. */
export class Recvfrom extends ReceiveBuffer<{ data: Buffer; address: Address | null }> {
  override get syscall(): string {
    return 'recvfrom'
  }

  protected get inboxOpcode(): number {
    return RECEIVE_FROM_INBOX
  }

  protected receive(into: Uint8Array, offset: number): number {
    return native.recvfrom(this.channel.id, into, this.flags, offset, this.size)
  }

  value(result: number, where: number, address: number, addressLength: number): { data: Buffer; address: Address | null } {
    return { data: this.take(result, where), address: readAddress(address, addressLength) }
  }
}

/** A receive into the caller's memory, which is looked at anew for each attempt. */
abstract class ReceiveInto<T> extends ReceiveOperation<T> {
  protected length: number

  constructor(
    channel: Channel,
    flags: number,
    protected buffer: ArrayBufferView,
  ) {
    super(channel, flags)
    this.length = buffer.byteLength
  }

  protected abstract get opcode(): number

  protected check(): void {
    if (this.buffer.byteLength < this.length) throw bufferGone(this.syscall)
  }

  override arm(memory: Memory, index: number): void {
    if (this.length > LARGEST_ARMED) return super.arm(memory, index)
    memory.buffers[index * 2 + READ] = this.buffer
    armRead(memory, index, this.opcode, this.flags, this.length)
  }
}

/** recv(2) → bytes received into the caller's buffer. */
export class RecvInto extends ReceiveInto<number> {
  protected get opcode(): number {
    return RECEIVE
  }

  attempt(): number {
    this.check()
    return native.recv(this.channel.id, this.buffer, this.flags, 0, this.length)
  }

  value(result: number): number {
    return result
  }

  /** The same operation for the next receive. */
  reuse(buffer: ArrayBufferView, flags: number): this {
    this.buffer = buffer
    this.length = buffer.byteLength
    this.flags = flags
    this.leave = null
    return this
  }
}

/** recvfrom(2) → bytes received into the caller's buffer, and sender. */
export class RecvfromInto extends ReceiveInto<{ bytes: number; address: Address | null }> {
  override get syscall(): string {
    return 'recvfrom'
  }

  protected get opcode(): number {
    return RECEIVE_FROM
  }

  attempt(): number {
    this.check()
    return native.recvfrom(this.channel.id, this.buffer, this.flags, 0, this.length)
  }

  value(result: number, _where: number, address: number, addressLength: number): { bytes: number; address: Address | null } {
    return { bytes: result, address: readAddress(address, addressLength) }
  }
}
