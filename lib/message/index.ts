import { inspect } from 'node:util'
import type { Address, AddressCodec } from '../address'
import type { Meta } from '../control/meta'
import type { Control } from '../control/walk'
import { addresses } from '../host'
import type { NonSharedBuffer } from '../runtime/buffer'
import { ownField } from '../runtime/fields'
import type { InspectStyle } from '../runtime/inspect'
import type { FdHandle } from './fd'
import { MSG_CTRUNC, MSG_TRUNC } from '../constants'
import { metaOf } from './receive-control'

/** The decoded control messages of a received message: see `receiveMeta`. */
export interface MessageMeta extends Meta {
  /** The received descriptors, with the option `fds: 'receive'`. */
  fds?: FdHandle[]
  /** A pidfd of the sending process, after `receiveMeta({ pidfd: true })`. pidfd_open(2). Linux 6.5. */
  pidfd?: FdHandle
}

/** @internal What a Message consists of. */
export interface MessageParts<A extends Address = Address> {
  data: NonSharedBuffer
  bytes: number
  address: A | null
  flags: number
  control: Control[]
  fds: FdHandle[] | null
  pidfd: FdHandle | null
  /** Decodes the addresses of the socket's network namespace. */
  codec?: AddressCodec
}

/** One received message. recvmsg(2) */
export class Message<A extends Address = Address> {
  /** The bytes: a new Buffer, or a view of the buffer that the caller passed. */
  readonly data: NonSharedBuffer
  /** The number of bytes received. With the flag `MSG_TRUNC`, the real length of the datagram. */
  readonly bytes: number
  /** The address of the sender; `null` on a connected stream. */
  readonly address: A | null
  /** The `msg_flags` that the kernel returned, `MSG_*`. */
  readonly flags: number
  /** All control messages, undecoded, in the kernel's order. Received descriptors are in `meta.fds` instead. */
  readonly control: Control[]
  readonly #fds: FdHandle[] | null
  readonly #pidfd: FdHandle | null
  readonly #addresses: AddressCodec
  #meta: MessageMeta | null = null

  /** @internal */
  constructor({ data, bytes, address, flags, control, fds, pidfd, codec = addresses }: MessageParts<A>) {
    this.#addresses = codec
    this.data = data
    this.bytes = bytes
    this.address = address
    this.flags = flags
    this.control = control
    this.#fds = fds
    this.#pidfd = pidfd
  }

  /** True if the datagram was longer than the buffer. The kernel dropped the rest. */
  get truncated(): boolean {
    return (this.flags & MSG_TRUNC) !== 0
  }

  /** True if the control buffer was too small for all control messages. */
  get controlTruncated(): boolean {
    return (this.flags & MSG_CTRUNC) !== 0
  }

  /** The decoded control messages. */
  get meta(): MessageMeta {
    if (this.#meta !== null) return this.#meta
    const meta: MessageMeta = metaOf(this.control, this.#addresses)
    if (this.#fds !== null) meta.fds = this.#fds
    if (this.#pidfd !== null) meta.pidfd = this.#pidfd
    return (this.#meta = meta)
  }

  /** Formats the message for util.inspect and console.log, decoded. */
  [inspect.custom](_depth: number, options: InspectStyle): string {
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

  /** Yields the datagrams that GRO merged, in order. Without GRO, yields all data once. */
  segments(): Iterable<NonSharedBuffer> {
    return segmentsOf(this.data, ownField(this.meta, 'segmentSize'))
  }
}

/** Yields the parts of merged datagrams. Without a size, yields all data once. */
export function* segmentsOf(data: NonSharedBuffer, size = 0): Iterable<NonSharedBuffer> {
  if (size <= 0 || data.length <= size) {
    yield data
    return
  }
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}
