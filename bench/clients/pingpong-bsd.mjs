// pingpong-bsd.mjs ADDRESS SERVER_PID [microseconds of busy polling]: exchanges one message of 64 bytes
// at a time on one connection.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , busy = '0'] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const message = Buffer.alloc(64)
const buffer = Buffer.alloc(4096)
const datagrams = text.startsWith('udp')
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, datagrams ? SOCK_DGRAM : SOCK_STREAM)
await socket.connect(path ?? [host, port])
if (text.startsWith('tcp')) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
if (busy !== '0') socket.busyPoll(Number(busy))

let messages = 0
measureWindow(() => messages)
for (;;) {
  await socket.send(message)
  for (let got = 0; got < message.length;) {
    const length = await socket.recvInto(buffer)
    if (length === 0) throw new Error('the server closed the connection')
    got += length
  }
  messages++
}
