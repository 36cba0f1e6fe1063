// datagram-receive-bsd.mjs ADDRESS SERVER_PID into | recvfrom | messages | listener | mmsg | bare | gro | gro-mmsg SIZE
// Asks the server to flood it, and counts datagrams.
import { AF_INET, AF_UNIX, MessageBatch, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, Socket } from 'bsd-sockets'
import { absent, beside, measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , mode, sizeText] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const size = Number(sizeText)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4 << 20)
if (path !== undefined) socket.bind(beside(path))
let messages = 0

const loops = {
  async into() {
    const buffer = Buffer.alloc(size)
    for (;;) {
      await socket.recvInto(buffer)
      messages++
    }
  },
  async recvfrom() {
    for (;;) {
      const { address } = await socket.recvfrom(size)
      if (address !== null) messages++
    }
  },
  async messages() {
    if (typeof socket.messages !== 'function') await absent('this bsd-sockets has no messages()')
    for await (const { data } of socket.messages({ size })) if (data.length > 0) messages++
  },
  listener() {
    socket.onMessage(({ data, address }) => {
      if (data.length > 0 && address !== null) messages++
    })
  },
  async mmsg() {
    const batch = new MessageBatch({ count: 64, size })
    for (;;) messages += await socket.recvmmsg(batch)
  },
  async bare() {
    const batch = new MessageBatch({ count: 64, size, addresses: false })
    for (;;) messages += await socket.recvmmsg(batch)
  },
  async gro() {
    socket.receiveMeta({ gro: true })
    const buffer = Buffer.alloc(65536)
    for (;;) {
      const { bytes, meta } = await socket.recvmsg(buffer)
      messages += meta.segmentSize === undefined ? 1 : Math.ceil(bytes / meta.segmentSize)
    }
  },
  async 'gro-mmsg'() {
    socket.receiveMeta({ gro: true })
    const batch = new MessageBatch({ count: 64, size: 65536, controlSize: 64 })
    for (;;) {
      const count = await socket.recvmmsg(batch)
      for (let i = 0; i < count; i++) {
        const { segmentSize } = batch.meta(i)
        messages += segmentSize === undefined ? 1 : Math.ceil(batch.bytes(i) / segmentSize)
      }
    }
  },
}
// Start the loop first: it sets what it needs before the first datagram arrives.
const loop = loops[mode]()
await socket.sendto(Buffer.from('go'), path ?? [host, port])
measureWindow(() => messages)
await loop
