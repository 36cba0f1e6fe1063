// echo-sync.mjs ADDRESS: an echo server with poll(2) of bsd-sockets/sync, which blocks. It ends when its standard input does.
import {
  AF_INET,
  AF_UNIX,
  IPPROTO_TCP,
  POLLIN,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  TCP_NODELAY,
  poll,
} from 'bsd-sockets/sync'
import { readSync } from 'node:fs'
import { parseAddress } from '../lib/ends.mjs'

const text = process.argv[2]
const { path, host, port } = parseAddress(text)
const datagrams = text.startsWith('udp')
const server = new Socket(path === undefined ? AF_INET : AF_UNIX, datagrams ? SOCK_DGRAM : SOCK_STREAM)
server.bind(path ?? [host, port])
if (!datagrams) server.listen(512)
console.log(`ready ${path === undefined ? `${text.slice(0, 3)}:${host}:${server.getsockname().port}` : text}`)

const buffer = Buffer.allocUnsafeSlow(65536)
const entries = [
  { fd: 0, events: POLLIN },
  { fd: server, events: POLLIN },
]

function accept() {
  const peer = server.accept()
  if (path === undefined) peer.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
  entries.push({ fd: peer, events: POLLIN })
}

function echo(peer) {
  const bytes = peer.recvInto(buffer)
  if (bytes > 0) return peer.send(buffer.subarray(0, bytes))
  peer.close()
  entries.splice(
    entries.findIndex(({ fd }) => fd === peer),
    1,
  )
}

function answer() {
  const { bytes, address } = server.recvfromInto(buffer)
  server.sendto(buffer.subarray(0, bytes), address)
}

for (let open = true; open;) {
  for (const { fd } of poll(entries)) {
    if (fd === 0) open = readSync(0, buffer) > 0
    else if (fd !== server) echo(fd)
    else if (datagrams) answer()
    else accept()
  }
}
