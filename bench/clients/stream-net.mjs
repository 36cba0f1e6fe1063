// stream-net.mjs ADDRESS SERVER_PID send | recv: the same with node:net. A sender may let no timer run for 20 s.
import net from 'node:net'
import { measureCalls, measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , direction] = process.argv.slice(2)
let bytes = 0
let measure
const piece = Buffer.alloc(65536)
const socket = net.connect(parseAddress(text), () => {
  if (direction === 'recv') return measureWindow(() => bytes)
  measure = measureCalls(() => bytes)
  write()
})
function write() {
  do {
    measure()
    bytes += piece.length
  } while (socket.write(piece))
}
socket.on('drain', write)
if (direction === 'recv') socket.on('data', data => (bytes += data.length))
