// datagram-send-bun.mjs ADDRESS SERVER_PID send | sendMany SIZE: uses a connected Bun.udpSocket.
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , mode, size] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const data = Buffer.alloc(Number(size))
const many = Array.from({ length: 64 }, () => data)
const socket = await Bun.udpSocket({ connect: { hostname: host, port }, socket: { drain() {} } })
let messages = 0
measureWindow(() => messages)
function burst() {
  for (let turn = 0; turn < 4; turn++) {
    if (mode === 'sendMany') messages += socket.sendMany(many)
    else for (let i = 0; i < 64; i++) messages += socket.send(data) ? 1 : 0
  }
  setImmediate(burst)
}
burst()
