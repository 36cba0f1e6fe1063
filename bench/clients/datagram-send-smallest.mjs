// datagram-send-smallest.mjs ADDRESS SERVER_PID call | await | mmsg | gso SIZE: the same as datagram-send-bsd.mjs
// on the smallest addon. gso awaits each send. mmsg waits while the queue of an AF_UNIX socket is full.
import { AF_INET, AF_UNIX, IPPROTO_UDP, SOCK_DGRAM, SOL_SOCKET, SO_SNDBUF, Socket } from 'bsd-sockets'
import { UDP_SEGMENT } from 'bsd-sockets/linux'
import { measureLoop, measureWindow, parseAddress } from '../lib/ends.mjs'
import { attempts, send, sendMany } from '../lib/smallest.mjs'

const [text, , mode, sizeText] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const size = Number(sizeText)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 4 << 20)
await socket.connect(path ?? [host, port])
const train = mode === 'gso' ? Math.min(64, Math.floor(65507 / size)) : 1
if (mode === 'gso') socket.setsockopt(IPPROTO_UDP, UDP_SEGMENT, size)
const fd = socket.detach()
const data = Buffer.alloc(train * size)

const executor = resolve => setImmediate(resolve)

function call() {
  for (let i = 0; i < 64; i++) if (send(fd, data) < 0) return i
  return 64
}

// The event loop gets its turn after 64 awaited sends, as in bsd-sockets.
async function awaiting() {
  for (let i = 0; i < 64; i++) if ((await send(fd, data)) < 0) return i * train
  await new Promise(executor)
  return 64 * train
}

async function batches() {
  const batch = Buffer.alloc(64 * size)
  const next = attempts(fd, 1, () => sendMany(fd, batch, size))
  let messages = 0
  measureWindow(() => messages)
  for (;;) messages += Math.max(0, await next())
}

await (mode === 'mmsg' ? batches() : measureLoop(mode === 'call' ? call : awaiting))
