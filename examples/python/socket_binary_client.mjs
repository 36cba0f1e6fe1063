// Sends (1, 'ab', 2.7) as Python's struct packs 'I 2s f': native order, the float at a multiple of four.
// Usage: node socket_binary_client.mjs [port [address]]
import { endianness } from 'node:os'
import { Socket } from 'bsd-sockets'

const [port = '10000', address = '127.0.0.1'] = process.argv.slice(2)
const little = endianness() === 'LE'
const packed = Buffer.alloc(12)
const view = new DataView(packed.buffer, packed.byteOffset)
view.setUint32(0, 1, little)
packed.write('ab', 4)
view.setFloat32(8, 2.7, little)

const socket = new Socket()
try {
  await socket.connect([address, Number(port)])
  console.log(`sending ${packed.toString('hex')}`)
  await socket.sendAll(packed)
} finally {
  socket.close()
}
