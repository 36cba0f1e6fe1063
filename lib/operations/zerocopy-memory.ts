import { types } from 'node:util'
import { native } from '../binding/binding'
import { bufferGone, invalidType, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { pool } from '../message/pool'
import type { Rental } from '../reactor/zerocopy-sender'
import { byteLengthOf, isDetached, isResizable, lengthOfMemory, memoryOf, octetsOf } from '../struct'
import { checkBytes, checkInteger } from '../validators'

const MAX_SLAB = 1 << 30

/** Memory of allocZeroCopy: it stays where it is, and needs no renting. */
const slabs = new WeakSet<ArrayBuffer>()

/**
 * Page-aligned memory for `sendZeroCopy`, zeroed, 1 byte to 1 GiB. It can be sent from again and again, also in
 * parts: what is on its way must not be written to until its promise has settled. `ENOMEM`; where the runtime
 * allows no memory of its own (Electron) it is ordinary memory, which `sendZeroCopy` rents.
 */
export function allocZeroCopy(size: number): Buffer {
  const bytes = checkInteger('size', size, 1, MAX_SLAB)
  const memory = native.allocate(bytes)
  if (memory === undefined) return ordinary(bytes)
  slabs.add(memory)
  return Buffer.from(memory)
}

function ordinary(size: number): Buffer {
  try {
    return Buffer.from(new ArrayBuffer(size))
  } catch {
    throw systemError('mmap', errnoOf('ENOMEM'), { subject: `${size} bytes` })
  }
}

/** Checks that memory can be rented; a slab need not be. */
export function checkRentable(data: unknown): ArrayBufferView {
  const view = checkBytes('data', data)
  if (types.isDataView(view) && isDetached(view)) throw bufferGone('send')
  const buffer = memoryOf(view)
  if (types.isSharedArrayBuffer(buffer)) throw refused(view, 'shared memory, which nobody can rent')
  if (isResizable(buffer)) throw refused(view, 'a resizable ArrayBuffer')
  const part = Buffer.isBuffer(view) && byteLengthOf(view) < lengthOfMemory(buffer)
  if (pool.has(buffer) || (part && lengthOfMemory(buffer) === Buffer.poolSize))
    throw refused(view, 'a part of the pool that Buffers share: use Buffer.alloc or allocZeroCopy')
  return view
}

function refused(view: ArrayBufferView, what: string): TypeError {
  return invalidType('data', `memory of its own, not ${what}`, view)
}

/**
 * Takes the memory behind a view away from its owner, who finds it detached, for as long as the kernel sends
 * from it. A reference alone would not do: it hinders nobody from writing, nor from giving the memory away.
 */
export function rent(view: ArrayBufferView): Rental {
  const { byteOffset, length } = octetsOf(view)
  const buffer = memoryOf(view) as ArrayBuffer
  const isBuffer = Buffer.isBuffer(view)
  const viewOf = (memory: ArrayBuffer): Uint8Array =>
    isBuffer ? Buffer.from(memory, byteOffset, length) : new Uint8Array(memory, byteOffset, length)
  if (slabs.has(buffer)) {
    const bytes = viewOf(buffer)
    return { bytes, heap: false, giveBack: () => bytes }
  }
  let own: ArrayBuffer
  try {
    own = structuredClone(buffer, { transfer: [buffer] })
  } catch {
    throw refused(view, 'memory that cannot be transferred')
  }
  if (lengthOfMemory(buffer) > 0) throw refused(view, 'memory that cannot be transferred')
  const bytes = viewOf(own)
  return { bytes, heap: true, giveBack: () => bytes }
}
