import { markAsUntransferable } from 'node:worker_threads'
import { systemError } from '../errors'
import type { Native } from './binding'
import {
  ADDRESS_SIZE,
  GENERATION,
  idOf,
  INBOX_SIZE,
  MAX_EVENTS,
  MAX_RECORDS,
  RECORD_STRIDE,
  SLOT_STRIDE,
  STATE_FIELDS,
} from './shared'

/** The place in `addresses` where a direct system call stores a sockaddr. */
export const DIRECT = MAX_EVENTS

const FIRST_SLOTS = 64

/** The memory of native/shared.h. It is allocated here, so that C++ does not have to create JavaScript objects. */
export class Memory {
  table: Int32Array
  readonly completions: Int32Array
  readonly addresses: Uint8Array
  readonly inbox: Uint8Array
  readonly state: Int32Array
  readonly #native: Native

  constructor(native: Native, dispatch: (records: number) => void) {
    this.#native = native
    this.completions = integers(MAX_RECORDS * RECORD_STRIDE)
    this.addresses = bytes((MAX_EVENTS + 1) * ADDRESS_SIZE)
    this.inbox = bytes(INBOX_SIZE)
    this.state = integers(STATE_FIELDS)
    native.connectMemory(dispatch, this.completions, this.addresses, this.inbox, this.state)
    this.table = this.#resize(FIRST_SLOTS)
  }

  /** Returns the id of the open slot at this index. */
  idAt(index: number): number {
    return idOf(index, this.table[index * SLOT_STRIDE + GENERATION]!)
  }

  /** Doubles the size of the table. */
  grow(): void {
    this.table = this.#resize((this.table.length / SLOT_STRIDE) * 2)
  }

  #resize(slots: number): Int32Array {
    const table = integers(slots * SLOT_STRIDE)
    if (this.table !== undefined) table.set(this.table)
    const result = this.#native.setTable(table)
    if (result < 0) throw systemError('malloc', result)
    return table
  }
}

function bytes(size: number): Uint8Array {
  const memory = new ArrayBuffer(size)
  markAsUntransferable(memory) // C++ keeps the pointer
  return new Uint8Array(memory)
}

function integers(count: number): Int32Array {
  return new Int32Array(bytes(count * 4).buffer)
}
