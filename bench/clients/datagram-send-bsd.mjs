// datagram-send-bsd.mjs ADDRESS SERVER_PID sendto | send | try | mmsg | gso | gso-option SIZE: counts datagrams. gso passes the size
// with each message; gso-option sets the option once, as the program in C does.
import {
  AF_INET,
  AF_UNIX,
  MessageBatch,
  SOCK_DGRAM,
  SOL_SOCKET,
  SO_SNDBUF,
  Socket,
  options,
} from 'bsd-sockets'
import { measureLoop, measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , mode, sizeText] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const size = Number(sizeText)
const target = path ?? [host, port]
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 4 << 20)
if (mode !== 'sendto') await socket.connect(target)
const data = Buffer.alloc(size)
const train = Math.min(64, Math.floor(65507 / size))
let messages = 0

const loops = {
  async sendto() {
    for (;;) {
      await socket.sendto(data, target)
      messages++
    }
  },
  async send() {
    for (;;) {
      await socket.send(data)
      messages++
    }
  },
  async mmsg() {
    const batch = new MessageBatch({ count: 64, size })
    for (let i = 0; i < 64; i++) batch.set(i, data)
    for (;;) messages += await socket.sendmmsg(batch)
  },
  async gso() {
    const message = { data: Buffer.alloc(train * size), segmentSize: size }
    for (;;) {
      await socket.sendmsg(message)
      messages += train
    }
  },
  async 'gso-option'() {
    const bytes = Buffer.alloc(train * size)
    socket.set(options.UDP_SEGMENT, size)
    for (;;) {
      await socket.send(bytes)
      messages += train
    }
  },
}
if (mode === 'try') {
  await measureLoop(() => {
    for (let i = 0; i < 64; i++) if (socket.trySend(data) === null) return i
    return 64
  })
} else {
  measureWindow(() => messages)
  await loops[mode]()
}
