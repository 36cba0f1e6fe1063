// echo-net.mjs ADDRESS [data | iterate]: an echo server with node:net, or node:dgram.
import dgram from 'node:dgram'
import net from 'node:net'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, style = 'data'] = process.argv.slice(2)
const address = parseAddress(text)

async function iterate(socket) {
  for await (const data of socket) socket.write(data)
}

function listen() {
  const server = net.createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy())
    if (style === 'iterate') iterate(socket).catch(() => socket.destroy())
    else socket.on('data', data => socket.write(data))
  })
  server.listen({ ...address, backlog: 512 }, () => {
    announce(address.path === undefined ? `tcp:${address.host}:${server.address().port}` : text)
  })
}

function answer() {
  const socket = dgram.createSocket('udp4', (data, from) => socket.send(data, from.port, from.address))
  socket.bind(address.port, address.host, () => announce(`udp:${address.host}:${socket.address().port}`))
}

if (text.startsWith('udp')) answer()
else listen()
