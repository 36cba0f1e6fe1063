import { invalidType, outOfRange } from '../errors'
import { native } from '../binding/binding'
import { constants } from '../constants'
import { checkInteger } from '../errors/argument'
import { ownFields } from '../runtime/fields'
import type { Socket } from '../socket'

/** The size of a receive ring: TPACKET_V3 of the kernel's packet_mmap. */
export interface RingOptions {
  /**
   * Bytes of one block: a multiple of the page size, up to 1 GiB. Default 256 KiB. A frame that is longer than a
   * block is cut.
   */
  blockSize?: number | undefined
  /** The number of blocks, together up to 4 GiB. Default: 8 MiB in total, but at least 4 blocks. */
  blocks?: number | undefined
  /** Milliseconds after which the kernel delivers a block that is not full, 1 to 65535. Default 10. */
  timeout?: number | undefined
  /**
   * A multiple of 16 bytes, from 80 to `blockSize`. Default 2048. The kernel checks this value but does not use it:
   * TPACKET_V3 packs frames of any length.
   */
  frameSize?: number | undefined
}

/** A ring's options after the checks. */
export interface RingShape {
  blockSize: number
  blocks: number
  frameSize: number
  timeout: number
}

const KEYS = ['blockSize', 'blocks', 'timeout', 'frameSize']
const BLOCK_SIZE = 1 << 18
const FRAME_SIZE = 2048
const RETIRE = 10
/** The default size of all blocks together. */
const USUAL_TOTAL = 1 << 23
const LARGEST_BLOCK = 1 << 30
const MAX_TOTAL = 2 ** 32
const LONGEST_RETIRE = 0xffff

/**
 * Checks all values that the kernel checks. After that the kernel refuses a ring only for a lack of memory or
 * support.
 */
export function checkRing(given: unknown): RingShape | null {
  if (given === undefined || given === false) return null
  if (given === true) return checkRing({})
  if (typeof given !== 'object' || given === null)
    throw invalidType('options.ring', 'boolean or object', given)
  const own: RingOptions = ownFields(given)
  const unknown = Object.keys(own).find(key => !KEYS.includes(key))
  if (unknown !== undefined)
    throw invalidType('options.ring', `an object of ${KEYS.join(', ')}, not ${unknown}`, given)
  const { blockSize = BLOCK_SIZE, blocks, timeout = RETIRE, frameSize } = own
  const page = native.pageSize()
  checkInteger('options.ring.blockSize', blockSize, page, LARGEST_BLOCK)
  if (blockSize % page !== 0)
    throw outOfRange('options.ring.blockSize', `a multiple of the page size, ${page}`, blockSize)
  const usual = Math.max(USUAL_TOTAL / blockSize, 4)
  const max = Math.floor(MAX_TOTAL / blockSize)
  return {
    blockSize,
    blocks: checkInteger('options.ring.blocks', blocks ?? Math.floor(usual), 1, max),
    frameSize: checkFrameSize(frameSize ?? FRAME_SIZE, blockSize),
    timeout: checkInteger('options.ring.timeout', timeout, 1, LONGEST_RETIRE),
  }
}

function checkFrameSize(frameSize: unknown, blockSize: number): number {
  const unit = constants['TPACKET_ALIGNMENT'] ?? 16 // uncovered: only on a system without this constant
  // uncovered: only on a system without this constant
  const least = Math.ceil((constants['TPACKET3_HDRLEN'] ?? 0) / unit) * unit
  const size = checkInteger('options.ring.frameSize', frameSize, least, blockSize)
  if (size % unit !== 0) throw outOfRange('options.ring.frameSize', `a multiple of ${unit}`, size)
  return size
}

/** Creates the ring of a socket that is not bound. Returns 0 or −errno. On failure the socket is unchanged. */
export function openRing(socket: Socket, shape: RingShape): number {
  return native.ringOpen(socket.channel.id, shape.blockSize, shape.blocks, shape.frameSize, shape.timeout)
}
