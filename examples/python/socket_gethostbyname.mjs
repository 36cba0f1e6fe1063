// Looks up hosts: from name to address, and back.
// Usage: node socket_gethostbyname.mjs [host …]
import { getfqdn, gethostbyaddr, gethostbyname, gethostbynameEx, gethostname } from 'bsd-sockets'

console.log(`this host: ${gethostname()}`)
for (const host of process.argv.slice(2)) {
  try {
    const address = await gethostbyname(host)
    const { name, aliases, addresses } = await gethostbynameEx(host)
    console.log(`${host} : ${address}`)
    console.log(`  name ${name}, aliases [${aliases}], addresses [${addresses}]`)
    console.log(`  full name ${await getfqdn(host)}, by address ${(await gethostbyaddr(address)).name}`)
  } catch (error) {
    console.log(`${host} : ${error.code} ${error.message}`)
  }
}
