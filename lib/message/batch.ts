import { inspect } from 'node:util'
import { markAsUntransferable } from 'node:worker_threads'
import { isAddress, type Address, type AddressLike } from '../address'
import { octetsOf } from '../struct'
import { AF_INET6 } from '../constants'
import type { FamilyControl } from '../control/build'
import { buildControl, walkControl, type Control } from '../control/walk'
import { invalidType, outOfRange } from '../errors'
import { elementsOf, checkBoolean, checkInteger } from '../errors/argument'
import { anyNetwork, checkControls, copyControls, haveForms, sendsIPv6, type Sender } from './controls'
import { addressAt, addresses } from '../host'
import { home, type Network } from '../reactor/network'
import { controlLayout, metaOf } from './receive-control'
import {
  ADDRESS_SIZE,
  BATCH_BYTES,
  BATCH_CONTROL,
  BATCH_FLAGS,
  BATCH_NAME,
  BATCH_STRIDE,
} from '../binding/shared'
import type { NonSharedBuffer } from '../runtime/buffer'
import type { InspectStyle } from '../runtime/inspect'
import { checkBytes, checkOptions } from '../validators'
import type { Meta } from '../control/meta'

/** The kernel takes at most this many messages in one call (UIO_MAXIOV). */
const MAX_MESSAGES = 1024
/** Control data must start at an address that is aligned for a cmsghdr. */
const CONTROL_ALIGNMENT = 8
/** The maximum size of the slab in bytes: lengths inside it have 31 bits. */
const MAX_SLAB = 1 << 30

const NO_CONTROL = Buffer.alloc(0)

/** The number of messages that util.inspect shows. */
const MAX_SHOWN = 3

/** The options of a MessageBatch. */
export interface BatchOptions {
  /** The maximum number of messages, 1 to 1024. */
  count: number
  /** Bytes of data for each message. A longer datagram is cut and has `MSG_TRUNC` in its flags. */
  size: number
  /** Bytes of control messages for each message. Default 0: no control messages are received. */
  controlSize?: number | undefined
  /**
   * With `false`, the batch has no addresses, and the kernel copies none: for a connected socket, or if the sender does
   * not matter. Default true.
   */
  addresses?: boolean | undefined
}

/**
 * Holds many messages for recvmmsg(2) and sendmmsg(2). All messages share one block of memory (the slab), which is
 * allocated once and reused. A message costs no object until you ask for it.
 *
 * Received messages stay in the batch until the next `recvmmsg` into it. `data(i)` returns a view of the slab: copy
 * it to keep it longer.
 *
 * A batch of received messages can be sent unchanged: `sendmmsg(batch)` returns every message to its sender.
 */
export class MessageBatch {
  /** The maximum number of messages. */
  readonly count: number
  /** Bytes of data for each message. */
  readonly size: number
  /** Bytes of control messages for each message. */
  readonly controlSize: number
  /** @internal The memory that the system calls use. */
  readonly slab: Slab
  #length = 0
  /** Addresses by place, which can be encoded only when the family of the socket is known. */
  readonly #targets = new Map<number, AddressLike>()
  /** Control messages by place that depend on the socket. `six` and `network` tell which form the slab holds. */
  readonly #forms = new Map<number, { readonly controls: FamilyControl[]; six: boolean; network: Network }>()
  /** The network namespace of the socket that last used the batch. */
  #network: Network = home

  /** Allocates the memory. Throws a `RangeError` for more than 1024 messages or more than 1 GiB in total. */
  constructor(options: BatchOptions) {
    if (typeof options !== 'object') throw invalidType('options', 'object', options)
    const {
      count,
      size,
      controlSize = 0,
      addresses: named = true,
    } = checkOptions('options', options, ['count', 'size', 'controlSize', 'addresses'])
    checkBoolean('options.addresses', named)
    this.count = checkInteger('options.count', count, 1, MAX_MESSAGES)
    this.size = checkInteger('options.size', size, 0, MAX_SLAB)
    const control = checkInteger('options.controlSize', controlSize, 0, 1 << 20)
    this.controlSize = Math.ceil(control / CONTROL_ALIGNMENT) * CONTROL_ALIGNMENT
    const whole = count * (this.size + this.controlSize + ADDRESS_SIZE)
    if (whole > MAX_SLAB) throw outOfRange('options.size', `<= ${MAX_SLAB} bytes in total`, whole)
    this.slab = {
      data: bytes(count * this.size),
      names: named ? bytes(count * ADDRESS_SIZE) : null,
      control: this.controlSize > 0 ? bytes(count * this.controlSize) : null,
      fields: new Int32Array(bytes(count * BATCH_STRIDE * 4).buffer),
    }
  }

  /** The number of messages in the batch: those that `recvmmsg` received, or all up to the last one that was `set`. */
  get length(): number {
    return this.#length
  }

  /** Removes all messages. */
  clear(): this {
    this.slab.fields.fill(0)
    return this.received(0)
  }

  /** @internal Called when recvmmsg has written `messages` messages into the slab. */
  received(messages: number, network = this.#network): this {
    this.#network = network
    this.#length = messages
    // V8 makes a new table in `clear`, also for an empty Map.
    if (this.#targets.size > 0) this.#targets.clear()
    if (this.#forms.size > 0) this.#forms.clear()
    return this
  }

  /** @internal Encodes what depends on the socket: addresses on its family, control messages on the version of IP. */
  prepare(socket: Sender): void {
    const { network } = socket.channel
    this.#network = network
    for (const [place, address] of this.#targets) {
      this.#write(place, BATCH_NAME, this.#name(place, network.addresses.encode(address, socket.family)))
    }
    this.#targets.clear()
    if (this.#forms.size > 0) this.#chooseForms(socket)
  }

  // The form may change with every send: a batch can be sent on many sockets, and a socket sends to many peers.
  #chooseForms(socket: Sender): void {
    const { network } = socket.channel
    const inet6 = socket.family === AF_INET6
    const toPeer = inet6 && sendsIPv6(socket, null)
    const { names } = this.slab
    for (const [place, form] of this.#forms) {
      const name = this.#read(place, BATCH_NAME)
      const at = place * ADDRESS_SIZE
      const six =
        name === 0 || names === null ? toPeer : inet6 && sendsIPv6(socket, names.subarray(at, at + name))
      if (six === form.six && network === form.network) continue
      this.#control(place, built(form.controls, six, network))
      Object.assign(form, { six, network })
    }
  }

  /**
   * Puts a message to send into place `i`. Copies the data. Leave `address` out, or pass `null`, on a connected socket.
   * Control messages need room, see `controlSize`. Throws a `RangeError` if the data or the control messages do not fit.
   *
   * Two things depend on the socket, so `sendmmsg` checks them: an address that is not an `Address`, and whether
   * control messages in their IPv6 form fit.
   */
  set(i: number, data: ArrayBufferView, address?: AddressLike | null, control?: readonly Control[]): this {
    const place = checkInteger('i', i, 0, this.count - 1)
    const from = octetsOf(checkBytes('data', data))
    if (from.length > this.size) throw outOfRange('data.byteLength', `<= ${this.size}`, from.length)
    if (this.slab.names === null && address !== undefined && address !== null)
      throw outOfRange('address', 'absent in a batch without addresses', address)
    const controls = control === undefined ? [] : elementsOf('control', control)
    const copies = copyControls('control', controls)
    const depends = haveForms(copies)
    this.#control(place, copies.length === 0 ? NO_CONTROL : built(copies, false, depends ? anyNetwork : home))
    if (depends) this.#forms.set(place, { controls: copies, six: false, network: anyNetwork })
    else this.#forms.delete(place)
    this.slab.data.set(from, place * this.size)
    this.#write(place, BATCH_BYTES, from.length)
    const own = isAddress(address) ? this.#name(place, addresses.encode(address, address.family)) : 0
    this.#write(place, BATCH_NAME, own)
    if (address === undefined || address === null || own > 0) this.#targets.delete(place)
    else this.#targets.set(place, address)
    if (place >= this.#length) this.#length = place + 1
    return this
  }

  /** Returns the data of message `i`: a view of the slab, valid until the next call that fills it. */
  data(i: number): NonSharedBuffer {
    const start = this.#place(i) * this.size
    const length = Math.min(this.#read(i, BATCH_BYTES), this.size)
    return this.slab.data.subarray(start, start + length)
  }

  /**
   * Returns the length of message `i`. If `recvmmsg` had the flag `MSG_TRUNC`, this is the real length of a datagram.
   */
  bytes(i: number): number {
    return this.#read(this.#place(i), BATCH_BYTES)
  }

  /** Returns the sender of a received message `i`, or the destination of one to send; `null` if it has no address. */
  address(i: number): Address | null {
    const length = Math.min(this.#read(this.#place(i), BATCH_NAME), ADDRESS_SIZE)
    if (this.slab.names === null) return null
    return addressAt(this.slab.names, i * ADDRESS_SIZE, length, this.#network.addresses)
  }

  /** Returns the `msg_flags` of message `i`: `MSG_TRUNC`, `MSG_CTRUNC`. */
  flags(i: number): number {
    return this.#read(this.#place(i), BATCH_FLAGS)
  }

  /** Returns the control messages of message `i`, undecoded. Received descriptors have been closed. */
  control(i: number): Control[] {
    const start = this.#place(i) * this.controlSize
    const length = this.#read(i, BATCH_CONTROL)
    if (this.slab.control === null || length === 0) return []
    const from = this.slab.control.subarray(start, start + this.controlSize)
    return walkControl(controlLayout, from, length)
  }

  /** Returns the decoded control messages of message `i`: see `receiveMeta`. */
  meta(i: number): Meta {
    return metaOf(this.control(i), this.#network.addresses)
  }

  /** Formats the batch for util.inspect and console.log: the number of messages, and the first ones. */
  [inspect.custom](_depth: number, options: InspectStyle): string {
    const { length, count, size } = this
    const first = Array.from({ length: Math.min(length, MAX_SHOWN) }, (_, i) => ({
      data: this.data(i),
      address: this.address(i),
    }))
    const more = length > MAX_SHOWN ? ` and ${length - MAX_SHOWN} more` : ''
    return `MessageBatch(${length} of ${count}, ${size} bytes each) ${inspect(first, options)}${more}`
  }

  #name(place: number, name: Uint8Array): number {
    this.slab.names?.set(name, place * ADDRESS_SIZE)
    return name.length
  }

  #control(place: number, built: Buffer): void {
    if (built.length > this.controlSize)
      throw outOfRange('control', `at most controlSize, ${this.controlSize} bytes`, built.length)
    this.slab.control?.set(built, place * this.controlSize)
    this.#write(place, BATCH_CONTROL, built.length)
  }

  #place(i: number): number {
    return checkInteger('i', i, 0, this.count - 1)
  }

  #read(i: number, field: number): number {
    return this.slab.fields[i * BATCH_STRIDE + field]!
  }

  #write(i: number, field: number, value: number): void {
    this.slab.fields[i * BATCH_STRIDE + field] = value
  }
}

/** The memory of a batch, in the layout of native/syscalls/batch.cc. */
interface Slab {
  readonly data: NonSharedBuffer
  /** Null in a batch without addresses. */
  readonly names: Buffer | null
  readonly control: Buffer | null
  readonly fields: Int32Array
}

function built(controls: readonly FamilyControl[], six: boolean, network: Network): Buffer {
  return buildControl(controlLayout, checkControls('control', controls, six, network))
}

function bytes(size: number): NonSharedBuffer {
  const memory = new ArrayBuffer(size)
  markAsUntransferable(memory) // postMessage with a transfer list would leave the batch without memory
  return Buffer.from(memory)
}

/** Checks that a value is a MessageBatch: only its memory has the layout that the system calls need. */
export function checkBatch(batch: unknown): MessageBatch {
  if (batch instanceof MessageBatch) return batch
  throw invalidType('batch', 'MessageBatch', batch)
}
