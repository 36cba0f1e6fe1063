// accept-net.mjs ADDRESS close | hold: the same with node:net.
import net from 'node:net'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, style] = process.argv.slice(2)
const address = parseAddress(text)
const held = []
const server = net.createServer(socket => {
  socket.on('error', () => socket.destroy())
  if (style === 'close') {
    socket.destroy()
    return
  }
  socket.on('data', () => {})
  held.push(socket)
})
process.on('SIGUSR2', () => globalThis.gc())
server.listen({ ...address, backlog: 4096 }, () => {
  announce(address.path === undefined ? `tcp:${address.host}:${server.address().port}` : text)
})
