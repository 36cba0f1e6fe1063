// datagram-receive-dgram.mjs ADDRESS SERVER_PID [MODULE]: uses node:dgram or bsd-sockets/dgram.
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const { createSocket } = await import(process.argv[4] ?? 'node:dgram')
const { host, port } = parseAddress(process.argv[2])
let messages = 0
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }, () => messages++)
socket.bind(0, host, () => {
  socket.send('go', port, host)
  measureWindow(() => messages)
})
