'use strict'

/* A getter in an array of buffers frees the memory of the buffer before it. */
const { bsd, raw, free } = require('./pair.cjs')

const fds = new Int32Array(2)
raw.socketpair(bsd.AF_UNIX, bsd.SOCK_STREAM, 0, fds)
raw.send(fds[1], Buffer.alloc(4096, 0x41))
const buffers = [new Uint8Array(4096), null]
Object.defineProperty(buffers, 1, {
  get() {
    if (buffers[0].byteLength > 0) free(buffers[0])
    return new Uint8Array(8)
  },
})
try {
  console.log('received:', raw.recvmsg(fds[0], buffers))
} catch (error) {
  console.log('refused:', error.code)
}
