// datagram-receive-bun.mjs ADDRESS SERVER_PID: uses Bun.udpSocket, which has no option for the buffer
// size. While datagrams keep coming, Bun may let no timer run for 20 s.
import { measureCalls, parseAddress } from '../lib/ends.mjs'

const CALLS = 64 // datagrams between two looks at the time

const { host, port } = parseAddress(process.argv[2])
let messages = 0
const data = () => {
  if (++messages % CALLS === 0) measure()
}
const socket = await Bun.udpSocket({ hostname: host, socket: { data } })
socket.send('go', port, host)
const measure = measureCalls(() => messages) // in the same turn: before the first datagram comes
