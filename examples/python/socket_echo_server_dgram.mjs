// A UDP echo server: no listen, no accept, every datagram has its sender.
// Usage: node socket_echo_server_dgram.mjs [port [address]]
import { AF_INET, SOCK_DGRAM, Socket } from 'bsd-sockets'

const [port = '10000', address = '127.0.0.1'] = process.argv.slice(2)
const socket = new Socket(AF_INET, SOCK_DGRAM).bind([address, Number(port)])
console.log(`listening on ${socket.getsockname()}`)

for (;;) {
  const { data, address: sender } = await socket.recvfrom(4096)
  console.log(`received ${data.length} bytes from ${sender}`)
  const sent = await socket.sendto(data, sender)
  console.log(`sent ${sent} bytes back`)
}
