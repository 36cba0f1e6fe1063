// Sends to a multicast group and prints every answer until none arrives for a while.
// Usage: node socket_multicast_sender.mjs [group [port [interface]]]
import { AF_INET, SOCK_DGRAM, Socket, if_nametoindex, options } from 'bsd-sockets'

const [group = '224.3.29.71', port = '10000', name = 'lo'] = process.argv.slice(2)
const socket = new Socket(AF_INET, SOCK_DGRAM)
socket.set(options.IP_MULTICAST_TTL, 1) // not beyond the local network
socket.set(options.IP_MULTICAST_IF, if_nametoindex(name))
socket.timeout = 500
try {
  const message = Buffer.from('very important data')
  console.log(`sending ${message}`)
  await socket.sendto(message, [group, Number(port)])
  for (;;) {
    const { data, address } = await socket.recvfrom(16)
    console.log(`received ${data} from ${address}`)
  }
} catch (error) {
  if (error.name !== 'TimeoutError') throw error
  console.log('timed out, no more responses')
} finally {
  socket.close()
}
