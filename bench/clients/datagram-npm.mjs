// datagram-npm.mjs ADDRESS SERVER_PID PACKAGE send | recv SIZE: AF_UNIX datagrams with the packages
// unix-dgram, node-unix-socket and posix-socket.
import { createRequire } from 'node:module'
import path from 'node:path'
import { beside, measureLoop, measureWindow, parseAddress } from '../lib/ends.mjs'

const [text, , folder, direction, size] = process.argv.slice(2)
const target = parseAddress(text).path
const peer = createRequire(import.meta.url)(folder)
const data = Buffer.alloc(Number(size))
let messages = 0

const packages = {
  'unix-dgram'() {
    const socket = peer.createSocket('unix_dgram', () => messages++)
    socket.on('error', error => {
      throw error
    })
    if (direction === 'recv') {
      socket.bind(beside(target))
      socket.send(Buffer.from('go'), 0, 2, target)
      return
    }
    // If the receiver's queue is full, a connected socket emits 'congestion', and 'writable' when sending is possible
    // again.
    let full = false
    const burst = () => {
      for (let i = 0; i < 64 && !full; i++) {
        socket.send(data)
        if (!full) messages++
      }
      if (!full) setImmediate(burst)
    }
    socket.on('congestion', () => (full = true))
    socket.on('writable', () => {
      full = false
      burst()
    })
    socket.on('connect', burst)
    socket.connect(target)
  },
  'node-unix-socket'() {
    const socket = new peer.DgramSocket()
    socket.setRecvBufferSize(4 << 20)
    socket.bind(beside(target))
    if (direction === 'recv') {
      socket.on('data', () => messages++)
      socket.sendTo(Buffer.from('go'), 0, 2, target, () => {})
      return
    }
    let left = 0
    const sent = error => {
      if (!error) messages++
      if (--left === 0) setImmediate(burst)
    }
    const burst = () => {
      left = 64
      for (let i = 0; i < 64; i++) socket.sendTo(data, 0, data.length, target, sent)
    }
    burst()
  },
  'posix-socket'() {
    const fd = peer.socket(peer.AF_UNIX, peer.SOCK_DGRAM, 0)
    const address = sun_path => ({ sun_family: peer.AF_UNIX, sun_path })
    const { buffer } = new Uint8Array(data.length)
    if (direction === 'recv') {
      peer.bind(fd, address(beside(target)))
      peer.sendto(fd, buffer, 2, 0, address(target))
    } else {
      peer.connect(fd, address(target))
    }
    const one = direction === 'recv' ? peer.recv : peer.send
    measureLoop(() => {
      for (let i = 0; i < 16; i++) one(fd, buffer, buffer.byteLength, 0)
      return 16
    })
  },
}
const name = path.basename(folder)
packages[name]()
if (name !== 'posix-socket') measureWindow(() => messages)
