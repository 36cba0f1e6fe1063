// icmp-smallest.mjs - 0: the same as icmp-bsd.mjs echo on the smallest addon.
import { AF_INET, ICMP_FILTER, IPPROTO_ICMP, SOCK_RAW, SOL_RAW, Socket, checksum } from 'bsd-sockets'
import { measureWindow } from '../lib/ends.mjs'
import { attempts, recv, send } from '../lib/smallest.mjs'

const request = Buffer.alloc(64)
request.set([8, 0, 0, 0, 0, 1, 0, 0])
request.writeUInt16BE(checksum(request), 2)
const socket = new Socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
const filter = Buffer.alloc(4)
new Uint32Array(filter.buffer, filter.byteOffset, 1)[0] = ~1 >>> 0 // only ICMP_ECHOREPLY, 0
socket.setsockopt(SOL_RAW, ICMP_FILTER, filter)
await socket.connect(['127.0.0.1', 0])
const fd = socket.detach()
const reply = Buffer.alloc(2048)
const receive = attempts(fd, 0, () => recv(fd, reply))
let messages = 0
measureWindow(() => messages)
for (;;) {
  await send(fd, request)
  await receive()
  messages++
}
