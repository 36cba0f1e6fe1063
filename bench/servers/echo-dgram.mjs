// echo-dgram.mjs ADDRESS MODULE: an echo server with node:dgram or bsd-sockets/dgram.
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, module] = process.argv.slice(2)
const { createSocket } = await import(module)
const { host, port } = parseAddress(text)
const socket = createSocket('udp4', (data, from) => socket.send(data, from.port, from.address))
socket.bind(port, host, () => announce(`udp:${host}:${socket.address().port}`))
