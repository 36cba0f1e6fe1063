// The equivalent of a socketserver.ThreadingTCPServer with a handler of three lines. Shuts down gracefully on Ctrl-C.
// Usage: node socketserver_echo.mjs [port]
import { createServer, serve } from 'bsd-sockets'

const [port = '10000'] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const socket = await createServer({ host: '127.0.0.1', port: Number(port) })
const server = serve(
  socket,
  async connection => {
    for await (const data of connection.chunks()) await connection.sendAll(data)
  },
  { signal: stop.signal, maxConnections: 100 },
)
console.log(`listening on ${server.address}`)
await server.closed
console.log('closed')
