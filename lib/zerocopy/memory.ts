import { types } from 'node:util'
import { bufferGone, invalidType, systemError } from '../errors'
import { native } from '../internal/environment'
import { errnoOf } from '../internal/errno'
import { pool } from '../internal/pool'
import { checkBytes, checkInteger } from '../internal/validate'

const LARGEST_SLAB = 1 << 30

/** Memory of allocZeroCopy: it stays where it is, and needs no renting. */
const slabs = new WeakSet<ArrayBuffer>()

/**
 * Page-aligned memory for `sendZeroCopy`, zeroed, 1 byte to 1 GiB. It can be sent from again and again, also in
 * parts: what is on its way must not be written to until its promise has settled. `ENOMEM`; where the runtime
 * allows no memory of its own (Electron) it is ordinary memory, which `sendZeroCopy` rents.
 */
export function allocZeroCopy(size: number): Buffer {
  const bytes = checkInteger('size', size, 1, LARGEST_SLAB)
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

/** Memory while the kernel sends from it. */
export interface Rental {
  /** The bytes to send: nobody else can write to them, or has promised not to. */
  readonly bytes: Uint8Array
  /** It is on the heap, where it would be somebody else's after this thread. */
  readonly heap: boolean
  /** What the caller gets back. */
  giveBack(): Uint8Array
}

/** Checks that memory can be rented; a slab need not be. */
export function checkRentable(data: unknown): ArrayBufferView {
  const view = checkBytes('data', data)
  if (types.isDataView(view) && isDetached(view)) throw bufferGone('send')
  const { buffer } = view
  if (types.isSharedArrayBuffer(buffer)) throw refused(view, 'shared memory, which nobody can rent')
  if ((buffer as { resizable?: boolean }).resizable === true) throw refused(view, 'a resizable ArrayBuffer')
  const part = Buffer.isBuffer(view) && view.byteLength < buffer.byteLength
  if (pool.has(buffer) || (part && buffer.byteLength === Buffer.poolSize))
    throw refused(view, 'a part of the pool that Buffers share: use Buffer.alloc or allocZeroCopy')
  return view
}

// A DataView answers nothing else once its memory is gone.
function isDetached(view: DataView): boolean {
  try {
    return view.byteLength < 0
  } catch {
    return true
  }
}

function refused(view: ArrayBufferView, what: string): TypeError {
  return invalidType('data', `memory of its own, not ${what}`, view)
}

/**
 * Takes the memory behind a view away from its owner, who finds it detached, for as long as the kernel sends
 * from it. A reference alone would not do: it hinders nobody from writing, nor from giving the memory away.
 */
export function rent(view: ArrayBufferView): Rental {
  const { byteOffset, byteLength } = view
  const buffer = view.buffer as ArrayBuffer
  const isBuffer = Buffer.isBuffer(view)
  const viewOf = (memory: ArrayBuffer): Uint8Array =>
    isBuffer ? Buffer.from(memory, byteOffset, byteLength) : new Uint8Array(memory, byteOffset, byteLength)
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
  if (buffer.byteLength > 0) throw refused(view, 'memory that cannot be transferred')
  const bytes = viewOf(own)
  return { bytes, heap: true, giveBack: () => bytes }
}
