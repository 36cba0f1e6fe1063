// Joins a multicast group on one interface and acknowledges each message, until Ctrl-C.
// Usage: node socket_multicast_receiver.mjs [group [port [interface]]]
import { AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR, Socket } from 'bsd-sockets'

const [group = '224.3.29.71', port = '10000', name = 'lo'] = process.argv.slice(2)
const socket = new Socket(AF_INET, SOCK_DGRAM)
socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1) // several receivers on one machine
socket.bind(['', Number(port)])
socket.joinGroup(group, { interface: name })
console.log(`listening on ${socket.getsockname()}`)

for await (const { data, address } of socket.messages({ size: 1024 })) {
  console.log(`received ${data.length} bytes from ${address}: ${data}`)
  await socket.sendto(Buffer.from('ack'), address)
}
