// datagram-send-dgram.mjs ADDRESS SERVER_PID SIZE [MODULE]: uses a connected socket of
// node:dgram or bsd-sockets/dgram, in bursts of 64.
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , size, module = 'node:dgram'] = process.argv.slice(2)
const { createSocket } = await import(module)
const { host, port } = parseAddress(text)
const data = Buffer.alloc(Number(size))
const socket = createSocket('udp4')
let messages = 0
let left = 0
function sent() {
  messages++
  if (--left === 0) setImmediate(burst) // the callback runs in a tick, so a direct call would starve the timers
}
function burst() {
  left = 64
  for (let i = 0; i < 64; i++) socket.send(data, sent)
}
socket.connect(port, host, () => {
  measureWindow(() => messages)
  burst()
})
