// datagram-bsd.mjs ADDRESS SIZE: receives batches over AF_UNIX and discards them.
import { AF_UNIX, MessageBatch, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, Socket } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, size] = process.argv.slice(2)
const socket = new Socket(AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4 << 20)
socket.bind(parseAddress(text).path)
announce(text)
const batch = new MessageBatch({ count: 64, size: Number(size) })
for (;;) await socket.recvmmsg(batch)
