// Counts the bytes of one sender.
// Usage: node sendfile_receiver.mjs [port [address]]
import { createServer } from 'bsd-sockets'

const [port = '5678', host = '127.0.0.1'] = process.argv.slice(2)
const server = await createServer({ host, port: Number(port), backlog: 1 })
console.log(`listening on ${server.getsockname()}`)
const sender = await server.accept()
try {
  const buffer = Buffer.alloc(65536)
  let total = 0
  for (let n = 1; n > 0; total += n) n = await sender.recvInto(buffer)
  console.log(`received ${total} bytes`)
} finally {
  sender.close()
  server.close()
}
