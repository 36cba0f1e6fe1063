// file-net.mjs ADDRESS FILE pipe | large | pipeline: answers each request with the whole file, with Node's streams.
// large reads 1 MiB at a time instead of 64 KiB.
import { createReadStream } from 'node:fs'
import net from 'node:net'
import { pipeline } from 'node:stream'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, name, style] = process.argv.slice(2)
const options = style === 'large' ? { highWaterMark: 1 << 20 } : {}
const server = net.createServer(socket => {
  socket.on('error', () => socket.destroy())
  socket.once('data', () => {
    const file = createReadStream(name, options)
    if (style === 'pipeline') pipeline(file, socket, () => socket.destroy())
    else file.pipe(socket)
  })
})
const { host, port } = parseAddress(text)
server.listen(port, host, () => announce(`tcp:${host}:${server.address().port}`))
