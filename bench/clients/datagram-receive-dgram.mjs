// datagram-receive-dgram.mjs ADDRESS WARMUP SECONDS SERVER_PID: uses node:dgram.
import dgram from 'node:dgram'
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const { host, port } = parseAddress(process.argv[2])
let messages = 0
const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }, () => messages++)
socket.bind(0, host, () => {
  socket.send('go', port, host)
  measureWindow(() => messages)
})
