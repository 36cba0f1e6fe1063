// datagram-smallest.mjs ADDRESS SIZE: the same as datagram-bsd.mjs on the smallest addon.
import { AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, Socket } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'
import { attempts, recvMany } from '../lib/smallest.mjs'

const [text, size] = process.argv.slice(2)
const socket = new Socket(AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4 << 20)
socket.bind(parseAddress(text).path)
announce(text)
const fd = socket.detach()
const batch = Buffer.alloc(64 * Number(size))
const receive = attempts(fd, 0, () => recvMany(fd, batch, Number(size)))
for (;;) await receive()
