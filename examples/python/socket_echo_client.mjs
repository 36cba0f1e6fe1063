// Connects, sends one message, and reads until all of it has come back.
// Usage: node socket_echo_client.mjs [port [address]]
import { Socket } from 'bsd-sockets'

const [port = '10000', address = '127.0.0.1'] = process.argv.slice(2)
const message = Buffer.from('This is the message.  It will be repeated.')
const socket = new Socket()
try {
  await socket.connect([address, Number(port)])
  console.log(`sending ${message}`)
  await socket.sendAll(message)
  for (let received = 0; received < message.length;) {
    const data = await socket.recv(16)
    if (data.length === 0) throw new Error('the server ended early')
    received += data.length
    console.log(`received ${data}`)
  }
} finally {
  socket.close()
}
