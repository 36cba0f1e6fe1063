// Addresses as bytes and back: inet_pton and inet_ntop for both families, inet_aton and inet_ntoa for IPv4.
// Usage: node socket_address_packing.mjs <address> …
import { AF_INET, AF_INET6, inet_aton, inet_ntoa, inet_ntop, inet_pton } from 'bsd-sockets'

for (const address of process.argv.slice(2)) {
  const family = address.includes(':') ? AF_INET6 : AF_INET
  const packed = inet_pton(family, address)
  console.log(`original: ${address}`)
  console.log(`packed  : ${packed.toString('hex')}`)
  console.log(`unpacked: ${inet_ntop(family, packed)}`)
  if (family === AF_INET) console.log(`the same: ${inet_ntoa(inet_aton(address))}`)
}
