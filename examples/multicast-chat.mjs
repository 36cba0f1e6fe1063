// @ts-check
// A chat without a server: every member of the multicast group receives each message.
//
//   node examples/multicast-chat.mjs [--name ann] [--interface eth0] [--group 239.255.42.42] [--port 4242] [--hops 1]
//
// Without --interface it uses the loopback interface: try it in two terminals. The group may be IPv6: --group ff12::42.
// Sends each typed line. Ctrl-D or Ctrl-C ends it.
import { userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket, SocketError, options } from 'bsd-sockets'

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: userInfo().username },
    interface: { type: 'string', default: process.platform === 'darwin' ? 'lo0' : 'lo' },
    group: { type: 'string', default: '239.255.42.42' },
    port: { type: 'string', default: '4242' },
    hops: { type: 'string', default: '1' },
  },
})
const { name, group } = values
const port = Number(values.port)
const family = group.includes(':') ? AF_INET6 : AF_INET

// Bound to the group's address, the socket receives only messages of this group. With SO_REUSEADDR other processes of
// this host can bind too.
const receiver = new Socket(family, SOCK_DGRAM)
receiver.set(options.SO_REUSEADDR, true)
const membership = receiver.joinGroup(group, { interface: values.interface })
receiver.bind({ address: group, port, ...(family === AF_INET6 && { scopeId: membership.interface }) })

const sender = new Socket(family, SOCK_DGRAM)
if (family === AF_INET6) {
  sender
    .set(options.IPV6_MULTICAST_IF, membership.interface)
    .set(options.IPV6_MULTICAST_HOPS, Number(values.hops))
} else {
  sender.set(options.IP_MULTICAST_IF, membership.interface).set(options.IP_MULTICAST_TTL, Number(values.hops))
}
await sender.connect([group, port])

const terminal = createInterface({
  input: process.stdin,
  output: process.stdout,
  terminal: process.stdin.isTTY,
})
terminal.on('line', line =>
  sender.send(Buffer.from(`${name}: ${line}`)).catch(error => console.error(error.message)),
)
terminal.on('SIGINT', () => terminal.close())
terminal.on('close', () => {
  membership.leave()
  receiver.close()
  sender.close()
})

console.log(`in ${group} port ${port} on ${values.interface} as ${name}`)
try {
  for (;;) {
    const { data, address } = await receiver.recvfrom(65535)
    // The sender receives its own messages too. They are on the screen already.
    if (address !== null && !address.equals(sender.localAddress)) console.log(`${address.address}  ${data}`)
  }
} catch (error) {
  if (!(error instanceof SocketError && error.code === 'ECANCELED')) throw error // the socket was closed at the end of the input
}
