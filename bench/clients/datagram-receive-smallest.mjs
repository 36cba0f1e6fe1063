// datagram-receive-smallest.mjs ADDRESS SERVER_PID into | call | each | calls | loop | mmsg SIZE: the same as
// datagram-receive-bsd.mjs on the smallest addon. into: one receive at a time. call: the same without promises. mmsg:
// batches. The others make a Buffer and an address for each datagram of a batch. each: calls a listener in a loop. calls:
// calls it from C, so that all ticks and microtasks run after each call, as after each event of Node. loop: returns a
// promise for each.
import { AF_INET, AF_UNIX, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, Socket } from 'bsd-sockets'
import { beside, measureWindow, parseAddress } from '../lib/ends.mjs'
import { arrivals, attempts, onArrival, onReadable, recvEach, recvMany } from '../lib/smallest.mjs'

const SLAB = 64 << 10 // bytes that are allocated at once: small messages share them
const cost = messages => Math.max(1, messages) // the package takes its turn after 64 messages
const LARGE = 4096 // from here on each message has its own memory, as SECURITY.md promises

const [text, , mode, sizeText] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const size = Number(sizeText)
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4 << 20)
if (path !== undefined) socket.bind(beside(path))
await socket.sendto(Buffer.from('go'), path ?? [host, port])
const fd = socket.detach()
let messages = 0

/** Returns a function that makes one attempt to receive a batch into new memory, and one that makes the message at a place. */
const batches = () => (size < LARGE ? shared() : owned())

let last = { ip: 0, port: 0 }
const addressOf = (table, i) => {
  const [ip, port] = [table[3 * i + 1], table[3 * i + 2]]
  if (ip !== last.ip || port !== last.port) last = { ip, port }
  return last
}

// In place: a message gets the whole memory that it was received into.
function owned() {
  const count = 64
  const table = new Int32Array(3 * count)
  const places = Array.from({ length: count }, () => Buffer.allocUnsafeSlow(size))
  const attempt = () => recvEach(fd, places, table)
  const message = i => {
    const data = places[i]
    places[i] = Buffer.allocUnsafeSlow(size)
    return { data, address: addressOf(table, i) }
  }
  return { attempt, message }
}

function shared() {
  const count = Math.min(64, Math.floor(SLAB / size))
  const table = new Int32Array(3 * count)
  let [slab, begin, end] = [Buffer.alloc(0), 0, 0]
  const attempt = () => {
    if (slab.length - end < (count * size) / 2) [slab, end] = [Buffer.allocUnsafeSlow(SLAB), 0]
    begin = end
    const got = recvMany(fd, slab.subarray(begin, begin + count * size), size, table)
    if (got > 0) end += got * size
    return got
  }
  const message = i => {
    const at = begin + i * size
    const data = slab.subarray(at, at + table[3 * i])
    return { data, address: addressOf(table, i) }
  }
  return { attempt, message }
}

const listener = ({ data, address }) => {
  if (data.length > 0 && address.port > 0) messages++
}

const loops = {
  async into() {
    const buffer = Buffer.alloc(size)
    const receive = arrivals(fd, size)
    for (;;) if ((await receive(buffer)) >= 0) messages++
  },
  call() {
    onArrival(fd, Buffer.alloc(size), bytes => {
      if (bytes >= 0) messages++
    })
  },
  async mmsg() {
    const batch = Buffer.alloc(64 * size)
    const next = attempts(fd, 0, () => recvMany(fd, batch, size))
    for (;;) messages += Math.max(0, await next())
  },
  async each() {
    const { attempt, message } = batches()
    const receive = attempts(fd, 0, attempt, cost)
    for (;;) {
      const got = await receive()
      for (let i = 0; i < got; i++) listener(message(i))
    }
  },
  calls() {
    const { attempt, message } = batches()
    let [at, got, left] = [0, 0, 64]
    onReadable(fd, () => {
      if (at === got) [at, got] = [0, Math.max(0, attempt())]
      if (at === got) return false
      listener(message(at++))
      if (--left > 0 || at < got) return true // a turn ends between two batches, or the rest would wait for the next arrival
      left = 64
      return false
    })
  },
  async loop() {
    const { attempt, message } = batches()
    const receive = attempts(fd, 0, attempt, cost)
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
