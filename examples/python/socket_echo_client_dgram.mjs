// Sends one datagram and waits for the answer, for two seconds at most.
// Usage: node socket_echo_client_dgram.mjs [port [address]]
import { AF_INET, SOCK_DGRAM, Socket } from 'bsd-sockets'

const [port = '10000', address = '127.0.0.1'] = process.argv.slice(2)
const socket = new Socket(AF_INET, SOCK_DGRAM)
try {
  const message = Buffer.from('This is the message.  It will be repeated.')
  console.log(`sending ${message}`)
  await socket.sendto(message, [address, Number(port)])
  const { data, address: server } = await socket.recvfrom(4096, { timeout: 2000 })
  console.log(`received ${data} from ${server}`)
} finally {
  socket.close()
}
