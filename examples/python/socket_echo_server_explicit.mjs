// A TCP echo server on an address of your choice; '' is every address of this machine (INADDR_ANY).
// Usage: node socket_echo_server_explicit.mjs <address> [port]
import { SO_REUSEADDR, SOL_SOCKET, Socket } from 'bsd-sockets'

const [address = '', port = '10000'] = process.argv.slice(2)
const server = new Socket()
server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
server.bind([address, Number(port)]).listen(1)
console.log(`listening on ${server.getsockname()}`)

for (;;) {
  const connection = await server.accept()
  console.log(`client connected: ${connection.getpeername()} at ${connection.getsockname()}`)
  for (;;) {
    const data = await connection.recv(16)
    if (data.length === 0) break
    await connection.sendAll(data)
  }
  connection.close()
}
