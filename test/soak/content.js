'use strict'

/*
 * The data of the connections. Each direction is a stream that starts at some offset of one block of pseudo-random
 * bytes and wraps around. Any piece is a view of memory, and of the file for sendfile, so it needs no copy.
 */
const { createCipheriv, createHash } = require('node:crypto')

const ROUND = 1 << 20
/** The longest piece in bytes. The block is extended by this length, so that a piece never wraps. */
const LONGEST = 4 << 20

/** Returns the block of a seed, for a file that all workers read. */
function makeBlock(seed) {
  const key = createHash('sha256').update(`bsd-sockets soak ${seed}`).digest()
  const bytes = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(ROUND))
  return Buffer.alloc(ROUND + LONGEST, bytes)
}

/** One direction of a connection. */
class Content {
  constructor(block, start) {
    this.block = block
    this.start = start % ROUND
  }

  /** Returns the offset in the block, and in the file, for a position of the stream. */
  offset(place) {
    return (this.start + place) % ROUND
  }

  piece(place, length) {
    const offset = this.offset(place)
    return this.block.subarray(offset, offset + length)
  }

  /** Returns the hash of the first `total` bytes. */
  hash(total) {
    const hash = createHash('sha256')
    for (let at = 0; at < total; at += LONGEST) hash.update(this.piece(at, Math.min(LONGEST, total - at)))
    return hash.digest('base64')
  }
}

module.exports = { Content, LONGEST, ROUND, makeBlock }
