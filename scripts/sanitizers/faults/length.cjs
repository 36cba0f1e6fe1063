'use strict'

/* A view that reports a length of −1 bytes, on a socket whose receive buffer is known to be empty. */
const { bsd } = require('./pair.cjs')

async function main() {
  const [a, b] = bsd.Socket.pair()
  // The first receive starts to watch the socket. The second receive finds it empty.
  for (let i = 0; i < 2; i++) await a.recv(1, { timeout: 1 }).catch(() => undefined)
  const view = new Uint8Array(new ArrayBuffer(17), 1)
  Object.defineProperty(view, 'byteLength', { value: -1 })
  const received = (async () => a.recvInto(view, { timeout: 200 }))().catch(error => error.code)
  b.trySend(Buffer.alloc(200_000, 0x41))
  console.log('received:', await received)
  a.close()
  b.close()
}

main()
