// An AF_UNIX echo server. Removes the path of a server that has ended, but never a path in use.
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
