import type { Address } from '../address'
import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import {
  ADDRESS_SIZE,
  BATCH_BYTES,
  BATCH_CONTROL,
  BATCH_FLAGS,
  BATCH_NAME,
  BATCH_STRIDE,
  READ,
  STATE_ADDRESS,
  STATE_CONTROL,
  STATE_FLAGS,
  STATE_SECOND,
  WRITE,
} from '../binding/shared'
import { MSG_TRUNC } from '../constants/per-call'
import { walkControl, type Control } from '../control/walk'
import { systemError, withMessages } from '../errors'
import { EAGAIN, EPERM } from '../errors/errno'
import { refusal } from '../errors/refusals'
import { addressAt } from '../host'
import { Message } from '../message'
import { MessageBatch } from '../message/batch'
import { deviceLoss } from '../message/device'
import { HeldFds } from '../message/held-fds'
import { ELSEWHERE, hasLeftover, NOT_REMOVING, removeLeftover, takeLeftover } from '../message/leftover'
import { controlLayout, receiveControl } from '../message/receive-control'
import { isRights } from '../message/rights'
import { reactor } from '../reactor'
import type { Channel, Leftover } from '../reactor/channel'
import { Operation } from '../reactor/operation'

const NO_CONTROL: readonly Control[] = []

/** Receives messages into a batch and returns their number. recvmmsg(2) */
export class Recvmmsg extends Operation<number> {
  constructor(
    private readonly channel: Channel,
    private readonly batch: MessageBatch,
    private readonly flags: number,
    /** True for AF_UNIX, where messages can carry file descriptors. */
    private readonly unix: boolean,
  ) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recvmmsg'
  }

  override get ignoresDry(): boolean {
    return (this.flags & ELSEWHERE) !== 0 || this.channel.leftover !== null
  }

  attempt(): number {
    const { count, size, controlSize, slab } = this.batch
    const { data, names, control, fields } = slab
    if (hasLeftover(this.channel, this.flags)) return this.#leftovers()
    return native.recvmmsg(
      this.channel.id,
      data,
      names,
      control,
      fields,
      size,
      controlSize,
      0,
      count,
      this.flags,
    )
  }

  // Data that an earlier receive could not deliver comes first, as separate messages.
  #leftovers(): number {
    const { channel, flags } = this
    let place = 0
    do this.#leftover(place++)
    while (place < this.batch.count && channel.leftover !== null && (flags & NOT_REMOVING) === 0)
    return place
  }

  #leftover(place: number): void {
    const { size, controlSize, slab } = this.batch
    const { addresses, state } = reactor.memory
    const { fields } = slab
    const data = slab.data.subarray(place * size, (place + 1) * size)
    const control = slab.control?.subarray(place * controlSize, (place + 1) * controlSize)
    const at = place * BATCH_STRIDE
    fields[at + BATCH_BYTES] = takeLeftover(this.channel, this.flags, [data], control)
    fields[at + BATCH_FLAGS] = state[STATE_FLAGS]!
    fields[at + BATCH_CONTROL] = state[STATE_CONTROL]!
    const length = (fields[at + BATCH_NAME] = state[STATE_ADDRESS]!)
    const from = DIRECT * ADDRESS_SIZE
    slab.names.set(addresses.subarray(from, from + length), place * ADDRESS_SIZE)
  }

  value(messages: number): number {
    this.batch.received(messages, this.channel.network)
    if (this.unix && this.batch.controlSize > 0) this.#closeDescriptors(messages)
    return messages
  }

  // Close received descriptors: MessageBatch has no API to hand them to the caller.
  #closeDescriptors(messages: number): void {
    const { controlSize, slab } = this.batch
    for (let i = 0; i < messages; i++) {
      const start = i * controlSize
      const length = slab.fields[i * BATCH_STRIDE + BATCH_CONTROL]!
      if (length > 0) receiveControl(slab.control!.subarray(start, start + controlSize), length, null)
    }
  }

  failure(result: number): Error {
    return systemError('recvmmsg', result, { device: deviceLoss(this.channel, result) })
  }
}

interface SendmmsgTraits {
  /** True for AF_UNIX, where messages can carry file descriptors. */
  readonly unix: boolean
  /** True if poll(2) does not report when a full receiver has room again: see Sendto. */
  readonly unixDatagram: boolean
  /** True if the operation must not wait: it then returns the number of messages sent so far. */
  readonly now: boolean
}

/** Sends all messages of a batch and returns their number. sendmmsg(2) */
export class Sendmmsg extends Operation<number> {
  #sent = 0
  /** A copy of the control messages while the operation waits, with duplicates of their descriptors. Else null. */
  #control: Buffer | null = null
  readonly #held = new HeldFds()

  constructor(
    private readonly channel: Channel,
    private readonly batch: MessageBatch,
    private readonly flags: number,
    private readonly traits: SendmmsgTraits,
  ) {
    super()
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'sendmmsg'
  }

  attempt(): number {
    const { length, size, controlSize, slab } = this.batch
    const { data, names, fields } = slab
    const control = this.#control ?? slab.control
    while (this.#sent < length) {
      const result = native.sendmmsg(
        this.channel.id,
        data,
        names,
        control,
        fields,
        size,
        controlSize,
        this.#sent,
        length - this.#sent,
        this.flags,
      )
      if (result === EAGAIN && this.traits.now && this.#sent > 0) break
      if (result < 0) return result
      this.#sent += result
    }
    return this.#sent
  }

  override hold(): void {
    const { length, controlSize, slab } = this.batch
    if (!this.traits.unix || slab.control === null || this.#control !== null) return
    this.#control = Buffer.from(slab.control)
    for (let i = this.#sent; i < length; i++) {
      const at = i * controlSize
      const controls = walkControl(
        controlLayout,
        this.#control.subarray(at, at + controlSize),
        slab.fields[i * BATCH_STRIDE + BATCH_CONTROL]!,
      )
      if (controls.some(isRights)) this.#control.set(this.#held.duplicate(controls), at)
    }
  }

  override get progress(): number {
    return this.#sent
  }

  value(messages: number): number {
    this.#held.close()
    return messages
  }

  failure(result: number): Error {
    return systemError('sendmmsg', result, {
      address: this.batch.address(this.#sent),
      refused: result === EPERM ? refusal(reactor.memory.state[STATE_SECOND]!, 'control') : undefined,
    })
  }

  override get spurious(): boolean {
    return this.traits.unixDatagram
  }

  override pass(): null {
    this.#held.close()
    return null
  }

  override abandon(reason: Error): Error {
    this.#held.close()
    return withMessages(reason, this.#sent)
  }
}

/**
 * Returns the next message, for `messages({ batch })`. Receives a new batch when no message is left. The other messages
 * of the batch become leftovers of the channel, which the next receives of any kind return.
 */
export class NextMessage<A extends Address> extends Operation<Message<A>> {
  readonly #receive: Recvmmsg

  constructor(
    private readonly channel: Channel,
    private readonly batch: MessageBatch,
    private readonly flags: number,
  ) {
    super()
    this.#receive = new Recvmmsg(channel, batch, flags, false)
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
    return this.channel.leftover !== null ? 0 : this.#receive.attempt()
  }

  value(messages: number): Message<A> {
    const { batch, channel } = this
    const codec = channel.network.addresses
    if (messages > 0) batch.received(messages, channel.network)
    for (let i = messages - 1; i >= 0; i--)
      if (i === 0 || !this.#isEnd(i)) channel.leftover = this.#keep(i, channel.leftover)
    const { data, bytes, address, flags, control } = channel.leftover!
    const length = Math.min(data.length, batch.size)
    removeLeftover(channel, length) // of a stream, the rest stays for the next receive
    const cut = channel.messages && length < data.length
    const whole = channel.messages && (!cut || (this.flags & MSG_TRUNC) !== 0)
    return new Message<A>({
      data: length < data.length ? data.subarray(0, length) : data,
      bytes: whole ? bytes : length,
      address: addressAt(address, 0, address.length, codec) as A | null,
      flags: cut ? flags | MSG_TRUNC : flags,
      control: [...control],
      fds: null,
      pidfd: null,
      codec,
    })
  }

  // At the end of a stream recvmmsg(2) returns it in every place. The first one tells the caller.
  #isEnd(i: number): boolean {
    return !this.channel.messages && this.batch.slab.fields[i * BATCH_STRIDE + BATCH_BYTES] === 0
  }

  #keep(i: number, next: Leftover | null): Leftover {
    const { batch } = this
    const { controlSize, slab } = batch
    const at = i * BATCH_STRIDE
    const name = i * ADDRESS_SIZE
    const length = slab.fields[at + BATCH_CONTROL]!
    return {
      data: Buffer.from(batch.data(i)),
      bytes: slab.fields[at + BATCH_BYTES]!,
      address: Buffer.from(
        slab.names.subarray(name, name + Math.min(slab.fields[at + BATCH_NAME]!, ADDRESS_SIZE)),
      ),
      flags: slab.fields[at + BATCH_FLAGS]!,
      control:
        length === 0
          ? NO_CONTROL
          : receiveControl(slab.control!.subarray(i * controlSize, (i + 1) * controlSize), length, 0).control,
      next,
    }
  }

  failure(result: number): Error {
    return this.#receive.failure(result)
  }
}

/** The number of bytes for the control messages of one datagram, enough for everything that options can enable. */
const CONTROL_ROOM = 512

/** Returns a function that creates the operations of a loop over messages. Each operation returns the next message. */
export function messagesInBatches<A extends Address>(
  channel: Channel,
  size: number,
  flags: number,
  { batch: count, controlSize = CONTROL_ROOM }: { batch: number; controlSize?: number | undefined },
): () => NextMessage<A> {
  const batch = new MessageBatch({ count, size, controlSize })
  return () => new NextMessage<A>(channel, batch, flags)
}
