// pingpong-net.mjs ADDRESS WARMUP SECONDS SERVER_PID: the same as pingpong-bsd.mjs with node:net.
import net from 'node:net'
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const message = Buffer.alloc(64)
let messages = 0
let got = 0
const socket = net.connect({ ...parseAddress(process.argv[2]), noDelay: true }, () => {
  measureWindow(() => messages)
  socket.write(message)
})
socket.on('data', data => {
  got += data.length
  if (got < message.length) return
  got = 0
  messages++
  socket.write(message)
})
socket.on('end', () => {
  throw new Error('the server is gone')
})
