import { types } from 'node:util'
import { native } from '../binding/binding'
import { bufferGone, invalidType, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { pool } from '../message/pool'
import type { Rental } from '../reactor/zerocopy-sender'
import type { NonSharedBuffer } from '../runtime/buffer'
import { byteLengthOf, isDetached, isResizable, lengthOfMemory, memoryOf, octetsOf } from '../struct'
import { checkBytes } from '../validators'
import { checkInteger } from '../errors/argument'

const MAX_SLAB = 1 << 30

/** The memory of allocZeroCopy, which is sent in place without detaching it. */
const slabs = new WeakSet<ArrayBuffer>()

/**
 * Allocates `size` bytes of zeroed, page-aligned memory for `sendZeroCopy`, 1 byte to 1 GiB.
 *
 * From 2 MiB on, the memory has huge pages if the system has them: the kernel takes each page of a send separately,
 * and the first write to a huge page occupies all of it. So allocate one large slab, and send its parts.
 *
 * `sendZeroCopy` does not detach this memory, so it can be sent repeatedly and in parts. Do not write to a part
 * before the promise of its send resolves. After an error without `buffer`, wait for `zeroCopyStatistics().pending`
 * to be 0.
 *
 * Throws `ENOMEM` if the system has no memory left. If the runtime does not allow external memory (Electron), the
 * result is an ordinary Buffer, which `sendZeroCopy` detaches during a send.
 */
export function allocZeroCopy(size: number): NonSharedBuffer {
  const bytes = checkInteger('size', size, 1, MAX_SLAB)
  const memory = native.allocate(bytes)
  if (memory === undefined) return ordinary(bytes) // uncovered: only on macOS, or out of memory
  slabs.add(memory)
  return Buffer.from(memory)
}

function ordinary(size: number): NonSharedBuffer {
  try {
    // uncovered: only on macOS, or out of memory
    return Buffer.from(new ArrayBuffer(size))
  } catch {
    // uncovered: only on macOS, or out of memory
    throw systemError('mmap', errnoOf('ENOMEM'), { subject: `${size} bytes` })
  }
}

/** Throws if `sendZeroCopy` cannot detach the memory of `data`. Memory of allocZeroCopy also passes. */
export function checkRentable(name: string, data: unknown): ArrayBufferView {
  const view = checkBytes(name, data)
  if (types.isDataView(view) && isDetached(view)) throw bufferGone('send')
  const buffer = memoryOf(view)
  if (slabs.has(buffer as ArrayBuffer)) return view
  if (types.isSharedArrayBuffer(buffer)) throw refused(name, view, 'shared memory')
  if (isResizable(buffer)) throw refused(name, view, 'a resizable ArrayBuffer')
  const part = Buffer.isBuffer(view) && byteLengthOf(view) < lengthOfMemory(buffer)
  if (pool.has(buffer) || (part && lengthOfMemory(buffer) === poolLength()))
    throw refused(name, view, 'a part of the pool that Buffers share; use Buffer.alloc or allocZeroCopy')
  return view
}

/** Returns the length of the memory that small Buffers share. In Node 26 it is more than Buffer.poolSize. */
function poolLength(): number {
  return lengthOfMemory(memoryOf(Buffer.allocUnsafe(1)) as ArrayBuffer)
}

function refused(name: string, view: unknown, what: string): TypeError {
  return invalidType(name, `memory that can be detached, not ${what}`, view)
}

/**
 * Takes the memory behind views from its owner while the kernel sends from it, by detaching the ArrayBuffers. Holding a
 * reference is not enough, because the owner could still modify or transfer the memory. An error has the memory that
 * was taken before, as `buffers`.
 */
export function rent(views: readonly ArrayBufferView[]): Rental {
  const memories = views.map(view => memoryOf(view) as ArrayBuffer)
  if (memories.every(memory => slabs.has(memory))) return { pieces: views.map(bytesOf), heap: false }
  const makers = views.map(viewMaker)
  const own = new Map<ArrayBuffer, ArrayBuffer>()
  const pieces = (): Uint8Array[] => memories.map((memory, i) => makers[i]!(own.get(memory) ?? memory))
  for (let i = 0; i < memories.length; i++) {
    const memory = memories[i]!
    if (slabs.has(memory) || own.has(memory)) continue
    const taken = detach(memory)
    if (taken !== null) {
      own.set(memory, taken)
      continue
    }
    const error = refused('data', views[i], 'memory that the runtime refuses to detach')
    throw own.size === 0 ? error : Object.assign(error, { buffers: pieces() })
  }
  return { pieces: pieces(), heap: true }
}

function detach(memory: ArrayBuffer): ArrayBuffer | null {
  try {
    const own = structuredClone(memory, { transfer: [memory] })
    return lengthOfMemory(memory) > 0 ? null : own
  } catch {
    return null
  }
}

/** Returns a function that makes the same view of other memory. */
function viewMaker(view: ArrayBufferView): (memory: ArrayBuffer) => Uint8Array {
  const { byteOffset, length } = octetsOf(view)
  return Buffer.isBuffer(view)
    ? memory => Buffer.from(memory, byteOffset, length)
    : memory => new Uint8Array(memory, byteOffset, length)
}

/** Returns the view itself if it is one of bytes. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : octetsOf(view)
}
