'use strict'

/* A getter in an array of buffers makes the table of slots grow, which moves the slot of the current call. */
const { bsd } = require('./pair.cjs')

const [a, b] = bsd.Socket.pair()
b.trySend(Buffer.alloc(64, 0x41))
const made = []
const buffers = [new Uint8Array(16), new Uint8Array(16)]
let calls = 0
Object.defineProperty(buffers, 1, {
  get() {
    calls++
    while (made.length < calls * 200) made.push(...bsd.Socket.pair())
    return new Uint8Array(16)
  },
})
Object.defineProperty(buffers, 'map', { value: () => buffers })
Object.defineProperty(buffers, 'slice', { value: () => buffers })
try {
  console.log('received:', a.tryRecvmsg(buffers)?.data.length)
} catch (error) {
  console.log('refused:', error.code)
}
for (const socket of [a, b, ...made]) socket.close()
