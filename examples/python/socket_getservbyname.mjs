// Services and ports, both ways.
// Usage: node socket_getservbyname.mjs <service or port> …
import { getservbyname, getservbyport } from 'bsd-sockets'

for (const each of process.argv.slice(2)) {
  if (/^\d+$/.test(each)) console.log(`${await getservbyport(Number(each))}://example.com/`)
  else console.log(`${each} : ${await getservbyname(each)}`)
}
