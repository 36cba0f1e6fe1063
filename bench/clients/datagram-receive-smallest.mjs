// datagram-receive-smallest.mjs ADDRESS WARMUP SECONDS SERVER_PID into | each | loop | mmsg SIZE: the same as
// datagram-receive-bsd.mjs on the smallest addon. into: one receive at a time. mmsg: batches. each and loop: for each
// datagram of a batch a Buffer and an address, by callback or by promise.
import { AF_INET, AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, Socket } from 'bsd-sockets'
import { beside, measureWindow, parseAddress } from '../lib/ends.mjs'
import { attempts, recv, recvMany } from '../lib/smallest.mjs'

const CACHED = 128 << 10 // bytes of a batch that is copied while they are in the CPU's cache

const [text, , , , mode, sizeText] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const size = Number(sizeText)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4 << 20)
if (path !== undefined) socket.bind(beside(path))
await socket.sendto(Buffer.from('go'), path ?? [host, port])
const fd = socket.detach()
let messages = 0

/** Returns a function that receives a batch, and one that makes the message at a place of it. */
function batches() {
  const count = Math.min(64, Math.floor(CACHED / size))
  const [batch, table] = [Buffer.alloc(count * size), new Int32Array(3 * count)]
  const receive = attempts(fd, 0, () => recvMany(fd, batch, size, table))
  const message = i => {
    const length = table[3 * i]
    const data = Buffer.allocUnsafe(length)
    data.set(length === size && count === 1 ? batch : batch.subarray(i * size, i * size + length))
    return { data, address: { ip: table[3 * i + 1], port: table[3 * i + 2] } }
  }
  return { receive, message }
}

const loops = {
  async into() {
    const buffer = Buffer.alloc(size)
    const next = attempts(fd, 0, () => recv(fd, buffer))
    for (;;) if ((await next()) >= 0) messages++
  },
  async mmsg() {
    const batch = Buffer.alloc(64 * size)
    const next = attempts(fd, 0, () => recvMany(fd, batch, size))
    for (;;) messages += Math.max(0, await next())
  },
  async each() {
    const listener = ({ data, address }) => {
      if (data.length > 0 && address.port > 0) messages++
    }
    const { receive, message } = batches()
    for (;;) {
      const got = await receive()
      for (let i = 0; i < got; i++) listener(message(i))
    }
  },
  async loop() {
    const { receive, message } = batches()
    let [at, got] = [0, 0]
    const next = () => (at < got ? message(at++) : more())
    const more = async () => {
      at = 0
      do got = await receive()
      while (got <= 0)
      return message(at++)
    }
    for (;;) {
      const { data, address } = await next()
      if (data.length > 0 && address.port > 0) messages++
    }
  },
}
measureWindow(() => messages)
await loops[mode]()
