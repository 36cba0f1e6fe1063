import { inspect, type InspectOptionsStylized } from 'node:util'
import { markAsUntransferable } from 'node:worker_threads'
import { isAddress, type Address, type AddressLike } from '../address'
import { octetsOf } from '../struct'
import { AF_INET6 } from '../constants'
import { buildControl, walkControl, type Control } from '../control/walk'
import { invalidType, outOfRange } from '../errors'
import { elementsOf } from '../errors/argument'
import { checkControls, haveForms, sendsIPv6, type Sender } from './controls'
import { addressAt, addresses } from '../host'
import { controlLayout, metaOf } from './receive-control'
import {
  ADDRESS_SIZE,
  BATCH_BYTES,
  BATCH_CONTROL,
  BATCH_FLAGS,
  BATCH_NAME,
  BATCH_STRIDE,
} from '../binding/shared'
import { checkBytes, checkInteger, checkOptions } from '../validators'
import type { Meta } from '../control/meta'
import type { Message } from './index'

/** UIO_MAXIOV: the kernel takes no more messages in one call. */
const MAX_MESSAGES = 1024
/** Control data begins where a header may stand. */
const CONTROL_ALIGNMENT = 8
/** All of the slab together: lengths inside it are 31 bits. */
const MAX_SLAB = 1 << 30

const NO_CONTROL = Buffer.alloc(0)

/** As many messages as util.inspect shows. */
const MAX_SHOWN = 3

/** What a MessageBatch is made of. */
export interface BatchOptions {
  /** How many messages it holds, 1 to 1024. */
  count: number
  /** Bytes of data for each. A longer datagram is cut and has `MSG_TRUNC` in its flags. */
  size: number
  /** Bytes of control messages for each. Default 0: none are asked for. */
  controlSize?: number | undefined
}

/**
 * Room for many messages, for recvmmsg(2) and sendmmsg(2): one slab, made once and used again and again, so that
 * a message costs no object unless one is asked for. What `recvmmsg` left in it stays until the next call;
 * `data(i)` is a view of the slab, to be copied by whoever keeps it.
 *
 * A batch that was received into can be sent as it is: `sendmmsg(batch)` returns every message to its sender.
 */
export class MessageBatch {
  /** How many messages it can hold. */
  readonly count: number
  /** Bytes of data for each message. */
  readonly size: number
  /** Bytes of control messages for each message. */
  readonly controlSize: number
  /** @internal What the system calls see. */
  readonly slab: Slab
  #length = 0
  /** By place: addresses that only the family of a socket can tell how to write. */
  readonly #targets = new Map<number, AddressLike>()
  /** By place: control messages that differ between IPv4 and IPv6, and which form is in the slab. */
  readonly #forms = new Map<
    number,
    { readonly built: { readonly four: Buffer; readonly six: Buffer }; six: boolean }
  >()

  /** `RangeError` beyond 1024 messages or 1 GiB in all. */
  constructor(options: BatchOptions) {
    if (typeof options !== 'object') throw invalidType('options', 'object', options)
    const {
      count,
      size,
      controlSize = 0,
    } = checkOptions('options', options, ['count', 'size', 'controlSize'])
    this.count = checkInteger('options.count', count, 1, MAX_MESSAGES)
    this.size = checkInteger('options.size', size, 0, MAX_SLAB)
    const control = checkInteger('options.controlSize', controlSize, 0, 1 << 20)
    this.controlSize = Math.ceil(control / CONTROL_ALIGNMENT) * CONTROL_ALIGNMENT
    const whole = count * (this.size + this.controlSize + ADDRESS_SIZE)
    if (whole > MAX_SLAB) throw outOfRange('options.size', `<= ${MAX_SLAB} bytes in all`, whole)
    this.slab = {
      data: bytes(count * this.size),
      names: bytes(count * ADDRESS_SIZE),
      control: this.controlSize > 0 ? bytes(count * this.controlSize) : null,
      fields: new Int32Array(bytes(count * BATCH_STRIDE * 4).buffer),
    }
  }

  /** How many messages are in it: what `recvmmsg` received, or up to the last one that was `set`. */
  get length(): number {
    return this.#length
  }

  /** Forgets all messages. */
  clear(): this {
    this.slab.fields.fill(0)
    return this.received(0)
  }

  /** @internal What recvmmsg left in it. */
  received(messages: number): this {
    this.#length = messages
    this.#targets.clear()
    this.#forms.clear()
    return this
  }

  /** @internal Writes what only the socket can tell: addresses by its family, control messages by the version of IP. */
  prepare(socket: Sender): void {
    for (const [place, address] of this.#targets) {
      this.#write(place, BATCH_NAME, this.#name(place, addresses.encode(address, socket.family)))
    }
    this.#targets.clear()
    if (this.#forms.size > 0) this.#chooseForms(socket)
  }

  // The form may differ from that of the last time: a batch can serve many sockets, and a socket many peers.
  #chooseForms(socket: Sender): void {
    const inet6 = socket.family === AF_INET6
    const toPeer = inet6 && sendsIPv6(socket, null)
    for (const [place, form] of this.#forms) {
      const name = this.#read(place, BATCH_NAME)
      const at = place * ADDRESS_SIZE
      const six = name === 0 ? toPeer : inet6 && sendsIPv6(socket, this.slab.names.subarray(at, at + name))
      if (six === form.six) continue
      this.#control(place, six ? form.built.six : form.built.four)
      form.six = six
    }
  }

  /**
   * Puts a message to be sent into place `i`: a copy of the data, where it goes (nowhere on a connected socket),
   * and control messages, for which `controlSize` must have left room. `RangeError` where it does not fit.
   * `sendmmsg` checks what depends on the socket: an address in another form than an `Address`, and whether
   * control messages in the form of IPv6 fit.
   */
  set(i: number, data: ArrayBufferView, address?: AddressLike, control?: readonly Control[]): this {
    const place = checkInteger('i', i, 0, this.count - 1)
    const from = octetsOf(checkBytes('data', data))
    if (from.length > this.size) throw outOfRange('data.byteLength', `<= ${this.size}`, from.length)
    const controls = control === undefined ? [] : elementsOf('control', control)
    const build = (six: boolean): Buffer =>
      buildControl(controlLayout, checkControls('control', controls, six))
    const four = controls.length === 0 ? NO_CONTROL : build(false)
    const form = haveForms(controls) ? { built: { four, six: build(true) }, six: false } : null
    this.#control(place, four)
    if (form === null) this.#forms.delete(place)
    else this.#forms.set(place, form)
    this.slab.data.set(from, place * this.size)
    this.#write(place, BATCH_BYTES, from.length)
    const own = isAddress(address) ? this.#name(place, addresses.encode(address, address.family)) : 0
    this.#write(place, BATCH_NAME, own)
    if (address === undefined || own > 0) this.#targets.delete(place)
    else this.#targets.set(place, address)
    if (place >= this.#length) this.#length = place + 1
    return this
  }

  /** The data of message `i`: a view of the slab, good until the next call that fills it. */
  data(i: number): Buffer {
    const start = this.#place(i) * this.size
    const length = Math.min(this.#read(i, BATCH_BYTES), this.size)
    return this.slab.data.subarray(start, start + length)
  }

  /** The length of message `i`; with the flag `MSG_TRUNC` in recvmmsg the real length of a datagram. */
  bytes(i: number): number {
    return this.#read(this.#place(i), BATCH_BYTES)
  }

  /** Who sent message `i`, or where it goes; `null` for nobody. */
  address(i: number): Address | null {
    const length = Math.min(this.#read(this.#place(i), BATCH_NAME), ADDRESS_SIZE)
    return addressAt(this.slab.names, i * ADDRESS_SIZE, length)
  }

  /** msg_flags of message `i`: `MSG_TRUNC`, `MSG_CTRUNC`. */
  flags(i: number): number {
    return this.#read(this.#place(i), BATCH_FLAGS)
  }

  /** The control messages of message `i`, undecoded. Descriptors among them have been closed. */
  control(i: number): Control[] {
    const start = this.#place(i) * this.controlSize
    const length = this.#read(i, BATCH_CONTROL)
    if (this.slab.control === null || length === 0) return []
    const from = this.slab.control.subarray(start, start + this.controlSize)
    return walkControl(controlLayout, from, length)
  }

  /** The control messages of message `i`, decoded: see `receiveMeta`. */
  meta(i: number): Meta {
    return metaOf(this.control(i))
  }

  /** @internal Message `i` with memory of its own. */
  message(i: number): Pick<Message, 'data' | 'bytes' | 'address' | 'flags' | 'control'> {
    const data = Buffer.from(this.data(i))
    return {
      data,
      bytes: this.bytes(i),
      address: this.address(i),
      flags: this.flags(i),
      control: this.control(i),
    }
  }

  /** What util.inspect and console.log show: how many messages there are, and the first of them. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    const { length, count, size } = this
    const first = Array.from({ length: Math.min(length, MAX_SHOWN) }, (_, i) => ({
      data: this.data(i),
      address: this.address(i),
    }))
    const more = length > MAX_SHOWN ? ` and ${length - MAX_SHOWN} more` : ''
    return `MessageBatch(${length} of ${count}, ${size} bytes each) ${inspect(first, options)}${more}`
  }

  #name(place: number, name: Uint8Array): number {
    this.slab.names.set(name, place * ADDRESS_SIZE)
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

/** The memory of a batch, as native/syscalls/batch.cc takes it. */
interface Slab {
  readonly data: Buffer
  readonly names: Buffer
  readonly control: Buffer | null
  readonly fields: Int32Array
}

function bytes(size: number): Buffer {
  const memory = new ArrayBuffer(size)
  markAsUntransferable(memory) // a batch that was given away would be one that nothing fits into
  return Buffer.from(memory)
}

/** Nothing else has memory that the system calls may write to. */
export function checkBatch(batch: unknown): MessageBatch {
  if (batch instanceof MessageBatch) return batch
  throw invalidType('batch', 'MessageBatch', batch)
}
