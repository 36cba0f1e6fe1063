// pingpong-smallest.mjs ADDRESS WARMUP SECONDS SERVER_PID: the same as pingpong-bsd.mjs on the smallest addon, with
// callbacks.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'
import { onArrival, send } from '../lib/smallest.mjs'

const { path, host, port } = parseAddress(process.argv[2])
const message = Buffer.alloc(64)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
await socket.connect(path ?? [host, port])
if (path === undefined) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
const fd = socket.detach()
let messages = 0
let got = 0
measureWindow(() => messages)
onArrival(fd, Buffer.alloc(4096), bytes => {
  if (bytes <= 0) throw new Error('the server closed the connection')
  got += bytes
  if (got < message.length) return
  got = 0
  messages++
  send(fd, message)
})
send(fd, message)
