import type { Address } from '../address'
import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import {
  ADDRESS_SIZE,
  BATCH_BYTES,
  BATCH_CONTROL,
  BATCH_NAME,
  BATCH_STRIDE,
  READ,
  STATE_ADDRESS,
  WRITE,
} from '../binding/shared'
import { walkControl } from '../control/walk'
import { systemError, withMessages } from '../errors'
import { EAGAIN } from '../errors/errno'
import { Message } from '../message'
import { MessageBatch } from '../message/batch'
import { HeldFds } from '../message/held-fds'
import { ELSEWHERE, hasLeftover, takeLeftover } from '../message/leftover'
import { controlLayout, receiveControl } from '../message/receive-control'
import { isRights } from '../message/rights'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'

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
    if (hasLeftover(this.channel, this.flags)) return this.#leftover()
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

  // Bytes that an earlier receive could not deliver come first, as a separate message.
  #leftover(): number {
    const { size, slab } = this.batch
    const { memory } = reactor
    slab.fields.fill(0, 0, BATCH_STRIDE)
    slab.fields[BATCH_BYTES] = takeLeftover(this.channel, this.flags, [slab.data.subarray(0, size)])
    const length = (slab.fields[BATCH_NAME] = memory.state[STATE_ADDRESS]!)
    const at = DIRECT * ADDRESS_SIZE
    slab.names.set(memory.addresses.subarray(at, at + length))
    return 1
  }

  value(messages: number): number {
    this.batch.received(messages)
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
    return systemError('recvmmsg', result)
  }
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
    /** True for AF_UNIX, where messages can carry file descriptors. */
    private readonly unix: boolean,
    /** True if poll(2) does not report when a full receiver has room again: see Sendto. */
    private readonly unixDatagram: boolean,
    /** True if the operation must not wait: it then returns the number of messages sent so far. */
    private readonly now: boolean,
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
      if (result === EAGAIN && this.now && this.#sent > 0) break
      if (result < 0) return result
      this.#sent += result
    }
    return this.#sent
  }

  override hold(): void {
    const { length, controlSize, slab } = this.batch
    if (!this.unix || slab.control === null || this.#control !== null) return
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
    return systemError('sendmmsg', result, { address: this.batch.address(this.#sent) })
  }

  override get spurious(): boolean {
    return this.unixDatagram
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

// Messages that arrived in one batch and that no loop has returned yet, by channel. If a loop ends early, the next
// loop returns the rest.
const received = new WeakMap<Channel, Message[]>()

function queueOf(channel: Channel): Message[] {
  let queue = received.get(channel)
  if (queue === undefined) received.set(channel, (queue = []))
  return queue
}

/** Returns the next message, for `messages({ batch })`. Receives a new batch when no message is left. */
export class NextMessage<A extends Address> extends Operation<Message<A>> {
  readonly #receive: Recvmmsg
  readonly #queue: Message<A>[]

  constructor(
    channel: Channel,
    private readonly batch: MessageBatch,
    flags: number,
  ) {
    super()
    this.#receive = new Recvmmsg(channel, batch, flags, false)
    this.#queue = queueOf(channel) as Message<A>[]
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'recvmmsg'
  }

  override get ignoresDry(): boolean {
    return this.#queue.length > 0 || this.#receive.ignoresDry
  }

  attempt(): number {
    return this.#queue.length > 0 ? 0 : this.#receive.attempt()
  }

  value(messages: number): Message<A> {
    const { batch } = this
    if (messages > 0) batch.received(messages)
    // The queue is reversed, so that pop() returns the oldest message.
    for (let i = messages - 1; i >= 0; i--) {
      const { data, bytes, address, flags, control } = batch.message(i)
      this.#queue.push(new Message<A>(data, bytes, address as A | null, flags, control, null))
    }
    return this.#queue.pop()!
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
