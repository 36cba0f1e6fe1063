// A TCP echo server, one client after the other, until Ctrl-C.
// Usage: node socket_echo_server.mjs [port [host]]
import { createServer } from 'bsd-sockets'

const [port = '10000', host = 'localhost'] = process.argv.slice(2)
const server = await createServer({ host, port: Number(port), backlog: 1 })
console.log(`listening on ${server.getsockname()}`)

for await (const connection of server.connections()) {
  console.log(`connection from ${connection.remoteAddress}`)
  try {
    for await (const data of connection.chunks({ size: 16 })) {
      console.log(`received ${data}`)
      await connection.sendAll(data)
    }
  } finally {
    connection.close()
  }
}
