// stream-smallest.mjs ADDRESS SERVER_PID send | recv: the same as stream-bsd.mjs on the smallest addon.
import { AF_INET, AF_UNIX, SOCK_STREAM, Socket } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'
import { attempts, recv, send } from '../lib/smallest.mjs'

const [text, , direction] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
await socket.connect(path ?? [host, port])
const fd = socket.detach()
const sends = direction === 'send'
const buffer = Buffer.alloc(sends ? 65536 : 262144)
const next = attempts(fd, sends ? 1 : 0, () => (sends ? send : recv)(fd, buffer))
let bytes = 0
measureWindow(() => bytes)
for (;;) {
  const moved = await next()
  if (moved <= 0) throw new Error('the server closed the connection')
  bytes += moved
}
