// echo-bun.mjs ADDRESS: an echo server with Bun.listen, or Bun.udpSocket.
import { announce, parseAddress } from '../lib/ends.mjs'

const [text] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const handlers = {
  open(socket) {
    if (path === undefined) socket.setNoDelay?.(true)
  },
  data(socket, data) {
    socket.write(data)
  },
}
if (text.startsWith('udp')) {
  const socket = await Bun.udpSocket({
    hostname: host,
    port,
    socket: { data: (own, data, from, address) => own.send(data, from, address) },
  })
  announce(`udp:${host}:${socket.port}`)
} else if (path === undefined) {
  const server = Bun.listen({ hostname: host, port, socket: handlers })
  announce(`tcp:${host}:${server.port}`)
} else {
  Bun.listen({ unix: path, socket: handlers })
  announce(text)
}
