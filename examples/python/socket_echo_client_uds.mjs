// Connects to a path, as another user if one is named. The permissions of the path decide whether that works.
// Usage: node socket_echo_client_uds.mjs [path [user]]
import { AF_UNIX, Socket } from 'bsd-sockets'

const [path = './uds_socket', user] = process.argv.slice(2)
if (user !== undefined) process.setuid(user)
const message = Buffer.from('This is the message.  It will be repeated.')
const socket = new Socket(AF_UNIX)
try {
  await socket.connect(path)
  await socket.sendAll(message)
  let received = 0
  for await (const data of socket.chunks({ size: 16 })) {
    console.log(`received ${data}`)
    received += data.length
    if (received >= message.length) break
  }
} catch (error) {
  console.log(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  socket.close()
}
