// pingpong-net.mjs ADDRESS SERVER_PID: the same as pingpong-bsd.mjs with node:net or node:dgram.
import dgram from 'node:dgram'
import net from 'node:net'
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const text = process.argv[2]
const address = parseAddress(text)
const message = Buffer.alloc(64)
let messages = 0
let got = 0

function begin(send, socket, event) {
  measureWindow(() => messages)
  socket.on(event, data => {
    got += data.length
    if (got < message.length) return
    got = 0
    messages++
    send()
  })
  send()
}

if (text.startsWith('udp')) {
  const socket = dgram.createSocket('udp4')
  socket.connect(address.port, address.host, () => begin(() => socket.send(message), socket, 'message'))
} else {
  const socket = net.connect({ ...address, noDelay: true }, () => {
    begin(() => socket.write(message), socket, 'data')
  })
  socket.on('end', () => {
    throw new Error('the server closed the connection')
  })
}
