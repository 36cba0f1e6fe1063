// echo-smallest.mjs ADDRESS call | await | gather: an echo server on the smallest addon, with callbacks, with promises, or
// with promises and all sockets behind one epoll.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'
import { arrivals, gathering, onArrival, send } from '../lib/smallest.mjs'

const [text, style] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)

function echo(fd) {
  const buffer = Buffer.allocUnsafeSlow(4096)
  let message = buffer
  onArrival(fd, buffer, bytes => {
    if (bytes !== message.length) message = buffer.subarray(0, bytes)
    if (bytes > 0) send(fd, message)
  })
}

async function echoAwaiting(fd, from) {
  const buffer = Buffer.allocUnsafeSlow(4096)
  const receive = from(fd)
  let message = buffer
  for (;;) {
    const bytes = await receive(buffer)
    if (bytes <= 0) return
    if (bytes !== message.length) message = buffer.subarray(0, bytes)
    await send(fd, message)
  }
}

const listener = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
listener.bind(path ?? [host, port])
listener.listen(512)
announce(path === undefined ? `tcp:${host}:${listener.getsockname().port}` : text)
const from = style === 'gather' ? gathering() : arrivals
for (;;) {
  const socket = await listener.accept()
  if (path === undefined) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
  if (style === 'call') echo(socket.detach())
  else echoAwaiting(socket.detach(), from)
}
