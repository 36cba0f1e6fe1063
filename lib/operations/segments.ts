import { native } from '../binding/binding'
import { WRITE } from '../binding/shared'
import { constants, IPPROTO_UDP } from '../constants'
import { buildControl, type Control } from '../control/walk'
import { bufferGone, systemError, withProgress } from '../errors'
import { EAGAIN, EIO, EINVAL, EMSGSIZE } from '../errors/errno'
import { controlLayout } from '../message/receive-control'
import type { Channel } from '../reactor/channel'
import { Operation, YIELD } from '../reactor/operation'
import { byteLengthOf, octetsOf } from '../struct'
import type { Outgoing } from './message'

/** The maximum number of datagrams per send: 128 in newer kernels, 64 in older ones. The first EINVAL reveals a limit of 64. */
const SEGMENTS = [128, 64] as const
/**
 * The maximum size of a UDP datagram over IPv6 with room for an extension header. The kernel applies it to the sum
 * of all segments.
 */
const MAX_SEND = 65_487
/** The number of bytes after which an attempt yields to other sockets. UDP sends rarely return EAGAIN. */
const TURN_BYTES = 4 * 1024 * 1024
const { UDP_SEGMENT } = constants

/** The maximum number of segments per send of this kernel, for all sockets. */
let max: number = SEGMENTS[0]

/**
 * Sends data as datagrams of one size. If the kernel supports UDP_SEGMENT (GSO), it cuts the data, and one call
 * sends as many datagrams as it accepts. If the device does not support GSO (`EIO`), or the system has none, each
 * datagram takes one call.
 */
export class SendSegments extends Operation<number> {
  readonly #data: ArrayBufferView
  readonly #length: number
  readonly #gso: Buffer | null
  readonly #control: Buffer | null
  private readonly flags: number
  private readonly address: Uint8Array | null
  #sent = 0
  /** True if the rest is sent with one call for each datagram. */
  #alone = false

  constructor(
    private readonly channel: Channel,
    { data, flags, address }: Pick<Outgoing, 'data' | 'flags' | 'address'>,
    control: readonly Control[],
    private readonly size: number,
    /** True if the operation must not wait: it then returns the number of bytes sent so far. */
    private readonly now: boolean,
  ) {
    super()
    this.flags = flags
    this.address = address
    this.#data = data.length === 1 ? data[0]! : Buffer.concat(data.map(octetsOf))
    this.#length = byteLengthOf(this.#data)
    this.#control = control.length === 0 ? null : buildControl(controlLayout, control)
    // uncovered: only on a system without this constant
    this.#gso = UDP_SEGMENT === undefined ? null : segmented(control, size)
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'sendmsg'
  }

  attempt(): number {
    if (byteLengthOf(this.#data) < this.#length) throw bufferGone('sendmsg')
    const turn = this.#sent + TURN_BYTES
    do {
      if (this.#sent >= turn) return YIELD
      const result = this.#step()
      if (result === EAGAIN && this.now && this.#sent > 0) return this.#sent
      if (result < 0) return result
      this.#sent += result
    } while (this.#sent < this.#length)
    return this.#sent
  }

  #step(): number {
    const { size, channel } = this
    const rest = this.#length - this.#sent
    if (this.#gso === null || this.#alone || channel.extras?.unsegmented === true || rest <= size)
      return this.#send(size, this.#control)
    const segments = Math.min(max, Math.floor(MAX_SEND / size))
    if (segments < 2) return this.#send(size, this.#control)
    const result = this.#send(segments * size, this.#gso)
    if (result === EINVAL && max === SEGMENTS[0] && Math.min(rest, segments * size) > SEGMENTS[1] * size) {
      max = SEGMENTS[1]
      return this.#step()
    }
    if (result !== EIO && result !== EINVAL && result !== EMSGSIZE) return result
    // EIO: the device does not support GSO, so no later send of this socket tries it. EINVAL and EMSGSIZE only
    // concern this send: the size is too large, or the system has no GSO.
    if (result === EIO) channel.ensureExtras().unsegmented = true
    this.#alone = true
    return this.#send(size, this.#control)
  }

  #send(length: number, control: Buffer | null): number {
    const { channel, flags, address } = this
    return native.sendmsg(channel.id, this.#part(length), control, flags, address)
  }

  /** Returns the next `length` bytes, or the rest. Most sends take all in one call, and need no other view. */
  #part(length: number): ArrayBufferView {
    const whole = this.#sent === 0 && length >= this.#length && byteLengthOf(this.#data) === this.#length
    if (whole) return this.#data
    return octetsOf(this.#data).subarray(this.#sent, Math.min(this.#sent + length, this.#length))
  }

  override get progress(): number {
    return this.#sent
  }

  value(result: number): number {
    return result
  }

  failure(result: number): Error {
    return systemError('sendmsg', result, {
      address: this.address === null ? null : this.channel.network.addresses.decode(this.address),
    })
  }

  override abandon(reason: Error): Error {
    return withProgress(reason, this.#sent)
  }
}

// The last control message. Consecutive sends usually have the same segment size.
let last: { size: number; control: Buffer } = { size: 0, control: Buffer.alloc(0) }

function segmented(control: readonly Control[], size: number): Buffer {
  if (control.length === 0 && last.size === size) return last.control
  const data = Buffer.from(Uint16Array.of(size).buffer)
  const built = buildControl(controlLayout, control.concat({ level: IPPROTO_UDP, type: UDP_SEGMENT!, data }))
  if (control.length === 0) last = { size, control: built }
  return built
}
