import { types } from 'node:util'
import { native } from '../binding/binding'
import { bufferGone, invalidType, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { pool } from '../message/pool'
import type { Rental } from '../reactor/zerocopy-sender'
import { byteLengthOf, isDetached, isResizable, lengthOfMemory, memoryOf, octetsOf } from '../struct'
import { checkBytes, checkInteger } from '../validators'

const MAX_SLAB = 1 << 30

/** The memory of allocZeroCopy, which is sent in place without detaching it. */
const slabs = new WeakSet<ArrayBuffer>()

/**
 * Allocates `size` bytes of zeroed, page-aligned memory for `sendZeroCopy`, 1 byte to 1 GiB.
 *
 * `sendZeroCopy` does not detach this memory, so it can be sent repeatedly and in parts. Do not write to a part
 * before the promise of its send settles.
 *
 * Throws `ENOMEM` if the system has no memory left. If the runtime does not allow external memory (Electron), the
 * result is an ordinary Buffer, which `sendZeroCopy` detaches during a send.
 */
export function allocZeroCopy(size: number): Buffer {
  const bytes = checkInteger('size', size, 1, MAX_SLAB)
  const memory = native.allocate(bytes)
  if (memory === undefined) return ordinary(bytes) // uncovered: only on macOS, or out of memory
  slabs.add(memory)
  return Buffer.from(memory)
}

function ordinary(size: number): Buffer {
  try {
    // uncovered: only on macOS, or out of memory
    return Buffer.from(new ArrayBuffer(size))
  } catch {
    // uncovered: only on macOS, or out of memory
    throw systemError('mmap', errnoOf('ENOMEM'), { subject: `${size} bytes` })
  }
}

/** Throws if `sendZeroCopy` cannot detach the memory of `data`. Memory of allocZeroCopy also passes. */
export function checkRentable(data: unknown): ArrayBufferView {
  const view = checkBytes('data', data)
  if (types.isDataView(view) && isDetached(view)) throw bufferGone('send')
  const buffer = memoryOf(view)
  if (types.isSharedArrayBuffer(buffer)) throw refused(view, 'shared memory')
  if (isResizable(buffer)) throw refused(view, 'a resizable ArrayBuffer')
  const part = Buffer.isBuffer(view) && byteLengthOf(view) < lengthOfMemory(buffer)
  if (pool.has(buffer) || (part && lengthOfMemory(buffer) === Buffer.poolSize))
    throw refused(view, 'a part of the pool that Buffers share; use Buffer.alloc or allocZeroCopy')
  return view
}

function refused(view: ArrayBufferView, what: string): TypeError {
  return invalidType('data', `memory that can be detached, not ${what}`, view)
}

/**
 * Takes the memory behind a view from its owner while the kernel sends from it, by detaching the ArrayBuffer.
 * Holding a reference is not enough, because the owner could still modify or transfer the memory.
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
    throw refused(view, 'memory that the runtime refuses to detach')
  }
  if (lengthOfMemory(buffer) > 0) throw refused(view, 'memory that the runtime refuses to detach')
  const bytes = viewOf(own)
  return { bytes, heap: true, giveBack: () => bytes }
}
