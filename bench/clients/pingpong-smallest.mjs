// pingpong-smallest.mjs ADDRESS SERVER_PID call | await: the same as pingpong-bsd.mjs on the smallest
// addon, with callbacks or with promises.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'
import { arrivals, onArrival, send } from '../lib/smallest.mjs'

const [text, , style] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const message = Buffer.alloc(64)
const buffer = Buffer.alloc(4096)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
await socket.connect(path ?? [host, port])
if (path === undefined) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
const fd = socket.detach()
let messages = 0

function call() {
  let got = 0
  onArrival(fd, buffer, bytes => {
    if (bytes <= 0) throw new Error('the server closed the connection')
    got += bytes
    if (got < message.length) return
    got = 0
    messages++
    send(fd, message)
  })
  send(fd, message)
}

async function awaiting() {
  const receive = arrivals(fd)
  for (;;) {
    await send(fd, message)
    for (let got = 0; got < message.length;) {
      const bytes = await receive(buffer)
      if (bytes <= 0) throw new Error('the server closed the connection')
      got += bytes
    }
    messages++
  }
}

measureWindow(() => messages)
await (style === 'await' ? awaiting : call)()
