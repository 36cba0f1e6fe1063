// Receives what socket_binary_client sends and unpacks it.
// Usage: node socket_binary_server.mjs [port [address]]
import { endianness } from 'node:os'
import { MSG_WAITALL, createServer } from 'bsd-sockets'

const [port = '10000', host = '127.0.0.1'] = process.argv.slice(2)
const little = endianness() === 'LE'
const server = await createServer({ host, port: Number(port) })
console.log(`listening on ${server.getsockname()}`)

for await (const connection of server.connections()) {
  for (;;) {
    const packed = await connection.recv(12, MSG_WAITALL)
    if (packed.length < 12) break
    const view = new DataView(packed.buffer, packed.byteOffset)
    const text = packed.toString('latin1', 4, 6)
    console.log(`received ${packed.toString('hex')}`)
    console.log(`unpacked (${view.getUint32(0, little)}, '${text}', ${view.getFloat32(8, little)})`)
  }
  connection.close()
}
