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
import { walkControl } from '../control/walk'
import { systemError, withMessages } from '../errors'
import { EAGAIN, EPERM } from '../errors/errno'
import { refusal } from '../errors/refusals'
import type { MessageBatch } from '../message/batch'
import { deviceLoss } from '../message/device'
import { HeldFds } from '../message/held-fds'
import { ELSEWHERE, hasLeftover, NOT_REMOVING, takeLeftover } from '../message/leftover'
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
    slab.names?.set(addresses.subarray(from, from + length), place * ADDRESS_SIZE)
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
  /** True if poll(2) does not report when the full receiver of an address has room again: see Sendto. */
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
    const { fields } = this.batch.slab
    return this.traits.unixDatagram && fields[this.#sent * BATCH_STRIDE + BATCH_NAME]! > 0
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
