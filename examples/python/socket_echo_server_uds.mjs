// An AF_UNIX echo server. A path that a dead server left is removed, one in use never.
// Usage: node socket_echo_server_uds.mjs [path [mode]]
import { createServer } from 'bsd-sockets'

const [path = './uds_socket', mode] = process.argv.slice(2)
const server = await createServer({ path, unlink: true, mode: mode && parseInt(mode, 8) })
console.log(`listening on ${server.getsockname()}`)

for await (const connection of server.connections()) {
  console.log(`connection from a ${connection.remoteAddress?.kind ?? 'unnamed'} socket`)
  for await (const data of connection.chunks({ size: 16 })) {
    console.log(`received ${data}`)
    await connection.sendAll(data)
  }
  connection.close()
}
