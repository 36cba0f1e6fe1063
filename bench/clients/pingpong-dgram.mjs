// pingpong-dgram.mjs ADDRESS SERVER_PID MODULE SIZE: round trips with node:dgram or bsd-sockets/dgram.
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , module, size] = process.argv.slice(2)
const { createSocket } = await import(module)
const { host, port } = parseAddress(text)
const message = Buffer.alloc(Number(size))
const socket = createSocket('udp4')
let messages = 0
socket.on('message', () => {
  messages++
  socket.send(message)
})
socket.connect(port, host, () => {
  measureWindow(() => messages)
  socket.send(message)
})
