// pingpong-bun.mjs ADDRESS SERVER_PID: the same as pingpong-bsd.mjs with Bun.
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const text = process.argv[2]
const { path, host, port } = parseAddress(text)
const message = Buffer.alloc(64)
let messages = 0
let got = 0

if (text.startsWith('udp')) {
  const socket = await Bun.udpSocket({
    connect: { hostname: host, port },
    socket: {
      data(own) {
        messages++
        own.send(message)
      },
    },
  })
  measureWindow(() => messages)
  socket.send(message)
} else {
  await Bun.connect({
    ...(path === undefined ? { hostname: host, port } : { unix: path }),
    socket: {
      open(socket) {
        if (path === undefined) socket.setNoDelay?.(true)
        measureWindow(() => messages)
        socket.write(message)
      },
      data(socket, data) {
        got += data.length
        if (got < message.length) return
        got = 0
        messages++
        socket.write(message)
      },
    },
  })
}
