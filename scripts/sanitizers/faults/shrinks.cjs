'use strict'

/* As getter.cjs, but the getter shrinks the memory of a resizable ArrayBuffer. */
const { bsd, raw } = require('./pair.cjs')

const fds = new Int32Array(2)
raw.socketpair(bsd.AF_UNIX, bsd.SOCK_STREAM, 0, fds)
raw.send(fds[1], Buffer.alloc(4096, 0x41))
const memory = new ArrayBuffer(1 << 20, { maxByteLength: 1 << 20 })
const buffers = [new Uint8Array(memory), null]
Object.defineProperty(buffers, 1, {
  get() {
    memory.resize(0)
    return new Uint8Array(8)
  },
})
try {
  console.log('received:', raw.recvmsg(fds[0], buffers))
} catch (error) {
  console.log('refused:', error.code)
}
