// Transport protocols: the number of a name, and the constant of that number.
// Usage: node socket_getprotobyname.mjs <protocol> …
import { constants, getprotobyname, nameOf } from 'bsd-sockets'

for (const name of process.argv.slice(2)) {
  const number = await getprotobyname(name)
  const constant = nameOf('IPPROTO_', number)
  console.log(`${name} -> ${number} (${constant} = ${constants[constant]})`)
}
