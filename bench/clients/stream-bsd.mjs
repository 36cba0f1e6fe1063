// stream-bsd.mjs ADDRESS SERVER_PID send | recv [SO_RCVLOWAT]: writes 64 KiB per call, or reads up to
// 256 KiB.
import { AF_INET, AF_UNIX, SOCK_STREAM, SO_RCVLOWAT, SOL_SOCKET, Socket } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , direction, lowest] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
await socket.connect(path ?? [host, port])
if (lowest !== undefined) socket.setsockopt(SOL_SOCKET, SO_RCVLOWAT, Number(lowest))
let bytes = 0
measureWindow(() => bytes)
const buffer = Buffer.alloc(direction === 'send' ? 65536 : 262144)
for (;;) {
  const moved = direction === 'send' ? await socket.send(buffer) : await socket.recvInto(buffer)
  if (moved === 0) throw new Error('the server closed the connection')
  bytes += moved
}
