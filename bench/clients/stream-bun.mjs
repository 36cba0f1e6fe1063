// stream-bun.mjs ADDRESS SERVER_PID send | recv: the same with Bun.connect. A sender may let no timer run for 20 s.
import { measureCalls, measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , direction] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
let bytes = 0
let measure
const piece = Buffer.alloc(65536)
function write(socket) {
  for (;;) {
    measure()
    const sent = socket.write(piece)
    bytes += Math.max(0, sent)
    if (sent < piece.length) return
  }
}
await Bun.connect({
  ...(path === undefined ? { hostname: host, port } : { unix: path }),
  socket: {
    open(socket) {
      if (direction === 'recv') return measureWindow(() => bytes)
      measure = measureCalls(() => bytes)
      write(socket)
    },
    drain(socket) {
      if (direction === 'send') write(socket)
    },
    data(socket, data) {
      bytes += data.length
    },
  },
})
