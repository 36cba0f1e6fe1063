// pingpong-bsd.mjs ADDRESS WARMUP SECONDS SERVER_PID: one connection, one message of 64 bytes at a time.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const { path, host, port } = parseAddress(process.argv[2])
const message = Buffer.alloc(64)
const buffer = Buffer.alloc(4096)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
await socket.connect(path ?? [host, port])
if (path === undefined) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

let messages = 0
measureWindow(() => messages)
for (;;) {
  await socket.send(message)
  for (let got = 0; got < message.length;) {
    const length = await socket.recvInto(buffer)
    if (length === 0) throw new Error('the server is gone')
    got += length
  }
  messages++
}
