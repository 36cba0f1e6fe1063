'use strict'

/*
 * What the connections send: each direction is a stream that begins somewhere in one block of pseudo-random bytes and
 * goes round in it. Any piece is a view, of memory and of the file that sendfile sends from, and needs no making.
 */
const { createCipheriv, createHash } = require('node:crypto')

const ROUND = 1 << 20
/** The longest piece: the block goes on so far behind its end. */
const LONGEST = 4 << 20

/** The block of a seed, for a file that all workers read. */
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

  /** Where in the block, and in the file, a place of the stream is. */
  offset(place) {
    return (this.start + place) % ROUND
  }

  piece(place, length) {
    const offset = this.offset(place)
    return this.block.subarray(offset, offset + length)
  }

  /** The hash of the first `total` bytes. */
  hash(total) {
    const hash = createHash('sha256')
    for (let at = 0; at < total; at += LONGEST) hash.update(this.piece(at, Math.min(LONGEST, total - at)))
    return hash.digest('base64')
  }
}

module.exports = { Content, LONGEST, ROUND, makeBlock }
