// A server that answers each message, with a fixed sentence or with a typed line, one client at a time.
// Usage: node conversation_server.mjs [port [prompt]]
import { createServer } from 'bsd-sockets'
import { createInterface } from 'node:readline/promises'

const [port = '8001', style = 'fixed'] = process.argv.slice(2)
const person = style === 'prompt' ? createInterface({ input: process.stdin, output: process.stdout }) : null
const server = await createServer({ host: '127.0.0.1', port: Number(port), backlog: 5 })
console.log(`listening on ${server.getsockname()}`)

for await (const connection of server.connections()) {
  console.log(`connected by ${connection.remoteAddress}`)
  for await (const data of connection.chunks({ size: 1024 })) {
    console.log(`from the other end: ${data}`)
    const answer = person === null ? 'the server received your message' : await person.question('-> ')
    await connection.sendAll(Buffer.from(answer))
  }
  connection.close() // the client has closed its end of the stream
}
