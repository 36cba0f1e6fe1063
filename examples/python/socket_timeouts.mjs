// Blocking, non-blocking and with a timeout, like setblocking and settimeout. Needs no network.
// Usage: node socket_timeouts.mjs
import { Socket } from 'bsd-sockets/sync'

const [a, b] = Socket.pair()
const attempt = (what, call) => {
  try {
    console.log(`${what}: ${call()}`)
  } catch (error) {
    console.log(`${what}: ${error.code}`)
  }
}

console.log(`default: ${a.timeout}`) // null: a call waits without limit
b.timeout = 0 // setblocking(False)
attempt('nothing there, non-blocking', () => b.recv(100))
b.timeout = 50 // settimeout(0.05)
attempt('nothing there, 50 ms', () => b.recv(100))
a.send(Buffer.from('something'))
attempt('something there', () => b.recv(100))
a.timeout = 0
attempt('no room, non-blocking', () => {
  for (;;) a.send(Buffer.alloc(65536))
})
a.close()
b.close()
