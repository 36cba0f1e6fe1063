/**
 * The layout of the memory that is shared with C++. native/shared.h has the same numbers and explains every field. When
 * the addon is loaded, `sharedLayout` is compared with the numbers of the addon.
 */

export const ABI = 1

// The table: SLOT_STRIDE integers for each slot.
export const READINESS = 0
export const READ_OPCODE = 1
export const READ_FLAGS = 2
export const READ_SIZE = 3
export const WRITE_OPCODE = 4
export const ERROR_OPCODE = 5
export const GENERATION = 6
export const SLOT_STRIDE = 7

// Bits of READINESS.
export const DRY = 1
export const ENDED = 2
export const MARKED = 4
export const WATCH_AGAIN = 8

// Opcodes.
export const IDLE = 0
export const READY = 1
export const RECEIVE = 2
export const RECEIVE_FROM = 3
export const ACCEPT = 4
export const DEFERRED = 5
export const JOB = 6
export const LOOKUP = 7

// Traits of a slot: what a short read of it proves.
export const TRAITS_NONE = 0
export const TRAITS_STREAM = 1
export const TRAITS_UNIX_STREAM = 2
export const TRAITS_UNIX = 3

// Directions.
export const READ = 0
export const WRITE = 1
export const ERROR = 2
export type Direction = typeof READ | typeof WRITE | typeof ERROR

// Records of the completion queue: RECORD_STRIDE integers each.
export const RECORD_SLOT = 0
export const RECORD_GENERATION = 1
export const RECORD_DIRECTION = 2
export const RECORD_OPCODE = 3
export const RECORD_RESULT = 4
export const RECORD_WHERE = 5
export const RECORD_ADDRESS = 6
export const RECORD_EVENT = 7
export const RECORD_MASK = 8
export const RECORD_STRIDE = 9

// Bits of RECORD_MASK (sys::EventMask).
export const EVENT_WRITABLE = 2

// The state: results of a call in addition to its return value.
export const STATE_ADDRESS = 0
export const STATE_FLAGS = 1
export const STATE_CONTROL = 2
export const STATE_SLOT = 3
export const STATE_FREE = 4
export const STATE_SECOND = 5
export const STATE_DEVICE = 6
export const STATE_INODE = 7
export const STATE_INODE_HIGH = 8
export const STATE_FIELDS = 9

// What sendfile does with a part of a file that is not in the page cache.
export const UNCACHED_STOP = 0
export const UNCACHED_UNKNOWN = 1
export const UNCACHED_READ = 2
/** STATE_FLAGS after a sendfile that has stopped before such a part, and has sent nothing. */
export const STOPPED = 1

// A message of a batch.
export const BATCH_BYTES = 0
export const BATCH_FLAGS = 1
export const BATCH_NAME = 2
export const BATCH_CONTROL = 3
export const BATCH_STRIDE = 4

export const MAX_EVENTS = 256
export const MAX_RECORDS = MAX_EVENTS * 3
export const ADDRESS_SIZE = 128
export const INBOX_SIZE = 128 * 1024
/** Messages in shared memory begin at multiples of this, so that every typed array can view one. */
export const ALIGNMENT = 8
/** Received data of at least this many bytes has its own memory, as with `Buffer.allocUnsafe`. */
export const LARGE = 4096
export const INDEX_BITS = 22
export const INDEX_MASK = (1 << INDEX_BITS) - 1

/** Returns the id of a slot: index and generation in one integer of at most 53 bits. */
export function idOf(index: number, generation: number): number {
  return generation * (INDEX_MASK + 1) + index
}

/** All numbers, in the order of kSharedLayout in native/shared.h. */
// prettier-ignore
export const sharedLayout: readonly number[] = [
  ABI, SLOT_STRIDE, READINESS, READ_OPCODE, READ_FLAGS, READ_SIZE, WRITE_OPCODE, ERROR_OPCODE,
  GENERATION, DRY, ENDED, MARKED, WATCH_AGAIN, READY, RECEIVE, RECEIVE_FROM, ACCEPT, DEFERRED, JOB, LOOKUP,
  RECORD_SLOT, RECORD_GENERATION, RECORD_DIRECTION, RECORD_OPCODE, RECORD_RESULT, RECORD_WHERE, RECORD_ADDRESS,
  RECORD_EVENT, RECORD_MASK, RECORD_STRIDE, STATE_ADDRESS, STATE_FLAGS, STATE_CONTROL, STATE_SLOT,
  STATE_FREE, STATE_SECOND, STATE_DEVICE, STATE_INODE, STATE_INODE_HIGH, MAX_EVENTS, ADDRESS_SIZE, INBOX_SIZE, ALIGNMENT, LARGE, INDEX_BITS,
  TRAITS_NONE, TRAITS_STREAM, TRAITS_UNIX_STREAM, TRAITS_UNIX,
  BATCH_BYTES, BATCH_FLAGS, BATCH_NAME, BATCH_CONTROL, BATCH_STRIDE,
  UNCACHED_STOP, UNCACHED_UNKNOWN, UNCACHED_READ, STOPPED,
]
