import { inspect, type InspectOptionsStylized } from 'node:util'
import type { Address } from '../address'
import type { Meta } from '../control/meta'
import type { Control } from '../control/walk'
import type { FdHandle } from './fd'
import { messageFlags, metaOf } from './receive-control'

/** What a message carried beside its data, decoded: see `receiveMeta`. */
export interface MessageMeta extends Meta {
  /** Received descriptors, with `fds: 'receive'`. */
  fds?: FdHandle[]
  /** A descriptor of the sender's process, after `receiveMeta({ pidfd: true })`: pidfd_open(2). Linux (6.5). */
  pidfd?: FdHandle
}

/** One received message, recvmsg(2). */
export class Message {
  /** The bytes: a Buffer of their own, or a view of the buffer that was given. */
  readonly data: Buffer
  /** How many bytes came; with `MSG_TRUNC` the real length of a datagram. */
  readonly bytes: number
  /** Who sent it; `null` on a connected stream. */
  readonly address: Address | null
  /** msg_flags, `MSG_*`. */
  readonly flags: number
  /** Every control message, undecoded, in the kernel's order. Descriptors are in `meta.fds`. */
  readonly control: Control[]
  readonly #fds: FdHandle[] | null
  readonly #pidfd: FdHandle | null
  #meta: MessageMeta | null = null

  /** @internal */
  constructor(
    data: Buffer,
    bytes: number,
    address: Address | null,
    flags: number,
    control: Control[],
    fds: FdHandle[] | null,
    pidfd: FdHandle | null = null,
  ) {
    this.data = data
    this.bytes = bytes
    this.address = address
    this.flags = flags
    this.control = control
    this.#fds = fds
    this.#pidfd = pidfd
  }

  /** True when the datagram was longer than the room for it; the rest is lost. */
  get truncated(): boolean {
    return (this.flags & messageFlags.MSG_TRUNC) !== 0
  }

  /** True when there was no room for all control messages. */
  get controlTruncated(): boolean {
    return (this.flags & messageFlags.MSG_CTRUNC) !== 0
  }

  /** The control messages, decoded. */
  get meta(): MessageMeta {
    if (this.#meta !== null) return this.#meta
    const meta: MessageMeta = metaOf(this.control)
    if (this.#fds !== null) meta.fds = this.#fds
    if (this.#pidfd !== null) meta.pidfd = this.#pidfd
    return (this.#meta = meta)
  }

  /** What util.inspect and console.log show: what is there, decoded. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    const { data, bytes, address, flags, control, meta } = this
    const shown = {
      data,
      ...(bytes === data.length ? {} : { bytes }),
      address,
      ...(flags === 0 ? {} : { flags }),
      ...(Object.keys(meta).length > 0 ? { meta } : control.length > 0 ? { control } : {}),
    }
    return `Message ${inspect(shown, options)}`
  }

  /** The datagrams of a GRO train, in order; without GRO the data as one piece. */
  *segments(): Iterable<Buffer> {
    const size = this.meta.segmentSize ?? 0
    if (size <= 0 || this.data.length <= size) {
      yield this.data
      return
    }
    for (let at = 0; at < this.data.length; at += size) yield this.data.subarray(at, at + size)
  }
}
