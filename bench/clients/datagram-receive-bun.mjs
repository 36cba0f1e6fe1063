// datagram-receive-bun.mjs ADDRESS SERVER_PID: uses Bun.udpSocket, which has no option for the buffer
// size.
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const { host, port } = parseAddress(process.argv[2])
let messages = 0
const socket = await Bun.udpSocket({ hostname: host, socket: { data: () => void messages++ } })
socket.send('go', port, host)
measureWindow(() => messages)
