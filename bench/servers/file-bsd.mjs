// file-bsd.mjs ADDRESS FILE: answers each request with the whole file, with socket.sendfile.
import { open } from 'node:fs/promises'
import { AF_INET, SOCK_STREAM, Socket } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, name] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const file = await open(name)
const listener = new Socket(AF_INET, SOCK_STREAM)
listener.bind([host, port]).listen(16)
announce(`tcp:${host}:${listener.getsockname().port}`)
const request = Buffer.alloc(4096)
for (;;) {
  const socket = await listener.accept()
  await socket.recvInto(request)
  await socket.sendfile(file)
  socket.close()
}
