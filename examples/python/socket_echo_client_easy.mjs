// The same with createConnection, which looks up the name and tries all its addresses.
// Usage: node socket_echo_client_easy.mjs [port [host]]
import { createConnection, nameOf } from 'bsd-sockets'

const [port = '10000', host = 'localhost'] = process.argv.slice(2)
const message = Buffer.from('This is the message.  It will be repeated.')
const socket = await createConnection({ host, port: Number(port) })
console.log(`family  : ${nameOf('AF_', socket.family)}`)
console.log(`type    : ${nameOf('SOCK_', socket.type)}`)
console.log(`protocol: ${nameOf('IPPROTO_', socket.protocol)}`)
try {
  await socket.sendAll(message)
  let received = 0
  for await (const data of socket.chunks({ size: 16 })) {
    console.log(`received ${data}`)
    received += data.length
    if (received >= message.length) break
  }
} finally {
  socket.close()
}
