import { invalidType, outOfRange } from '../errors'
import { native } from '../binding/binding'
import { platform } from '../host'
import { checkInteger } from '../validators'
import { ownFields } from '../runtime/fields'
import type { Socket } from '../socket'

/** The size of a ring, TPACKET_V3 of packet_mmap. */
export interface RingOptions {
  /**
   * Bytes of a block, whole pages, up to 1 GiB. Default 256 KiB. A frame that is longer than a block is cut.
   */
  blockSize?: number | undefined
  /** How many blocks, together up to 4 GiB. Default: as many as make 8 MiB, but at least 4. */
  blocks?: number | undefined
  /** Milliseconds after which frames are handed over although their block is not full, 1 to 65535. Default 10. */
  timeout?: number | undefined
  /**
   * A multiple of 16 bytes, from 80 to `blockSize`. TPACKET_V3 packs frames whatever their length and only checks
   * this. Default 2048.
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
/** All blocks together, where their number is not given. */
const USUAL_TOTAL = 1 << 23
const LARGEST_BLOCK = 1 << 30
const MAX_TOTAL = 2 ** 32
const LONGEST_RETIRE = 0xffff

/** Checks everything that the kernel would: what it refuses afterwards is for want of memory or of rings. */
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
  const unit = platform.constants['TPACKET_ALIGNMENT'] ?? 16
  const least = Math.ceil((platform.constants['TPACKET3_HDRLEN'] ?? 0) / unit) * unit
  const size = checkInteger('options.ring.frameSize', frameSize, least, blockSize)
  if (size % unit !== 0) throw outOfRange('options.ring.frameSize', `a multiple of ${unit}`, size)
  return size
}

/** Gives a socket a ring, before it is bound: 0, or −errno when this kernel gives none. Then it is as it was. */
export function openRing(socket: Socket, shape: RingShape): number {
  return native.ringOpen(socket.channel.id, shape.blockSize, shape.blocks, shape.frameSize, shape.timeout)
}
