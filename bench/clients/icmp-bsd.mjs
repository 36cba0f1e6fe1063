// icmp-bsd.mjs - 0 echo | flood | mmsg: like c/icmp.c, but awaits each call.
import {
  AF_INET,
  ICMP_FILTER,
  IPPROTO_ICMP,
  MessageBatch,
  SOCK_RAW,
  SOL_RAW,
  SOL_SOCKET,
  SO_RCVBUF,
  Socket,
  checksum,
} from 'bsd-sockets'
import { measureWindow } from '../lib/ends.mjs'

const mode = process.argv[4]
const BATCH = 64
const request = Buffer.alloc(64)
request.set([8, 0, 0, 0, 0, 1, 0, 0])
request.writeUInt16BE(checksum(request), 2)
const socket = new Socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
const filter = Buffer.alloc(4)
new Uint32Array(filter.buffer, filter.byteOffset, 1)[0] = ~1 >>> 0 // only ICMP_ECHOREPLY, 0
socket.setsockopt(SOL_RAW, ICMP_FILTER, filter)
socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4 << 20)
await socket.connect(['127.0.0.1', 0])

let messages = 0
measureWindow(() => messages)
const reply = Buffer.alloc(2048)
if (mode === 'mmsg') {
  const out = new MessageBatch({ count: BATCH, size: request.length })
  const into = new MessageBatch({ count: BATCH, size: reply.length })
  for (let i = 0; i < BATCH; i++) out.set(i, request)
  for (;;) {
    await socket.sendmmsg(out)
    for (let left = BATCH; left > 0;) {
      const got = await socket.recvmmsg(into)
      left -= got
      messages += got
    }
  }
}
const outstanding = mode === 'flood' ? BATCH : 1
for (;;) {
  for (let i = 0; i < outstanding; i++) await socket.send(request)
  for (let i = 0; i < outstanding; i++) {
    await socket.recvInto(reply)
    messages++
  }
}
