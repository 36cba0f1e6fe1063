// Everything that is needed to connect, decoded. A number without a name is printed as a number.
// Usage: node socket_getaddrinfo.mjs <host> [service]
import { AF_INET, AI_CANONNAME, IPPROTO_TCP, SOCK_STREAM, getaddrinfo, nameOf } from 'bsd-sockets'

const [host = 'localhost', service = 'http'] = process.argv.slice(2)
const show = ({ family, type, protocol, canonname, address }) => {
  const names = [nameOf('AF_', family), nameOf('SOCK_', type), nameOf('IPPROTO_', protocol)]
  console.log([...names, canonname || '-', address].join(' '))
}
for (const answer of await getaddrinfo(host, service)) show(answer)
console.log('TCP over IPv4, with the canonical name:')
const hints = { family: AF_INET, type: SOCK_STREAM, protocol: IPPROTO_TCP, flags: AI_CANONNAME }
for (const answer of await getaddrinfo(host, service, hints)) show(answer)
