// call-bsd.mjs - 0 raw | try | await | smallest: measures the cost of a call through each layer, in ns of CPU. CPU
// time is less sensitive than elapsed time to other load on the core.
import { createRequire } from 'node:module'
import { AF_UNIX, SOCK_STREAM, SOL_SOCKET, SO_TYPE, Socket } from 'bsd-sockets'
import * as raw from 'bsd-sockets/raw'
import { answer, asked, since, spend } from '../lib/ends.mjs'

const layer = process.argv[4]
const [socket, peer] = Socket.pair(AF_UNIX, SOCK_STREAM)
const message = Buffer.alloc(64)
const buffer = Buffer.alloc(64)
const smallest = layer === 'smallest' ? createRequire(import.meta.url)('../build/smallest.node') : undefined
const [value, length] = [Buffer.alloc(4), new Int32Array([4])]

const layers = {
  raw: {
    getsockopt: () => raw.getsockopt(socket.fd, SOL_SOCKET, SO_TYPE, value, length),
    recvEmpty: () => raw.recv(socket.fd, buffer, 0),
    sendRecv() {
      raw.send(peer.fd, message, 0)
      return raw.recv(socket.fd, buffer, 0)
    },
  },
  try: {
    getsockopt: () => socket.getsockopt(SOL_SOCKET, SO_TYPE),
    recvEmpty: () => socket.tryRecvInto(buffer),
    sendRecv() {
      peer.trySend(message)
      return socket.tryRecvInto(buffer)
    },
  },
  smallest: {
    getsockopt: () => smallest.getsockopt(socket.fd, value, SOL_SOCKET, SO_TYPE),
    recvEmpty: () => smallest.recv(socket.fd, buffer),
    sendRecv() {
      smallest.send(peer.fd, message)
      return smallest.recv(socket.fd, buffer)
    },
  },
  await: {
    async sendRecv() {
      await peer.send(message)
      return socket.recvInto(buffer)
    },
  },
}

async function nsOf(call, time) {
  const [begin, used] = [performance.now(), process.cpuUsage()]
  let calls = 0
  do {
    if (layer === 'await') for (let i = 0; i < 1000; i++) await call()
    else for (let i = 0; i < 1000; i++) call()
    calls += 1000
  } while (performance.now() - begin < time)
  const { user, system } = process.cpuUsage(used)
  return ((user + system) * 1e3) / calls
}

const calls = Object.entries(layers[layer])
for (;;) {
  const [time, first] = [asked(), spend()]
  const result = {}
  for (const [name, call] of calls) result[name] = await nsOf(call, time / calls.length)
  answer({ ...since(first), ...result })
}
