// pingpong-sync.mjs ADDRESS SERVER_PID: the same as pingpong-bsd.mjs with bsd-sockets/sync, which blocks.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets/sync'
import { measureLoop, parseAddress } from '../lib/ends.mjs'

const text = process.argv[2]
const { path, host, port } = parseAddress(text)
const message = Buffer.alloc(64)
const buffer = Buffer.alloc(4096)
const socket = new Socket(
  path === undefined ? AF_INET : AF_UNIX,
  text.startsWith('udp') ? SOCK_DGRAM : SOCK_STREAM,
)
socket.connect(path ?? [host, port])
if (text.startsWith('tcp')) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

await measureLoop(() => {
  for (let i = 0; i < 16; i++) {
    socket.send(message)
    for (let got = 0; got < message.length;) {
      const length = socket.recvInto(buffer)
      if (length === 0) throw new Error('the server closed the connection')
      got += length
    }
  }
  return 16
})
