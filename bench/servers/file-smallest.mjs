// file-smallest.mjs ADDRESS FILE: the same as file-bsd.mjs on the smallest addon. It asks the page cache before each part of
// 4 MiB, and lets the event loop have its turn after it, as every server must that serves more than one connection.
import { open } from 'node:fs/promises'
import { AF_INET, SOCK_STREAM, Socket } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'
import { attempts, cached, close, sendFile } from '../lib/smallest.mjs'

const PART = 4 << 20
const EMPTY = Buffer.alloc(0)
const EAGAIN = -11
const TURN = 64 // the number of calls in a turn, so after each part

const [text, name] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const file = await open(name)
const { size } = await file.stat()
const listener = new Socket(AF_INET, SOCK_STREAM)
listener.bind([host, port]).listen(16)
announce(`tcp:${host}:${listener.getsockname().port}`)
const request = Buffer.alloc(4096)

async function serve(fd) {
  let at = 0
  const sendPart = () => {
    const end = Math.min(at + PART, size)
    cached(file.fd, EMPTY, at, end) // the file of the bench is always there
    const before = at
    at = sendFile(fd, EMPTY, file.fd, at, end)
    return at === before ? EAGAIN : at
  }
  const next = attempts(fd, 1, sendPart, () => TURN)
  while (at >= 0 && at < size) await next()
  close(fd)
}

for (;;) {
  const socket = await listener.accept()
  await socket.recvInto(request)
  await serve(socket.detach())
}
