// One loop for many clients: select(2), and a queue of answers for each client.
// Usage: node select_echo_server.mjs [port [host]]
import { createServer, select } from 'bsd-sockets'

const [port = '10000', host = '127.0.0.1'] = process.argv.slice(2)
const server = await createServer({ host, port: Number(port) })
console.log(`listening on ${server.getsockname()}`)
const inputs = new Set([server])
const answers = new Map() // data to send, by client

for (;;) {
  const outputs = [...answers].filter(([, queue]) => queue.length > 0).map(([client]) => client)
  const [readable, writable] = await select([...inputs], outputs, [])
  for (const socket of readable) {
    if (socket === server) welcome(server.tryAccept())
    else hear(socket, socket.tryRecv(1024))
  }
  for (const client of writable) {
    const queue = answers.get(client)
    const sent = client.trySend(queue[0]) ?? 0
    queue[0] = queue[0].subarray(sent)
    if (queue[0].length === 0) queue.shift()
    leave(client)
  }
}

function welcome(client) {
  if (client === null) return // the client has closed already
  console.log(`connection from ${client.remoteAddress}`)
  inputs.add(client)
  answers.set(client, [])
}

function hear(client, data) {
  if (data?.length > 0) answers.get(client).push(data)
  else if (data !== null) inputs.delete(client) // the client has closed its end, but may still receive
  leave(client)
}

function leave(client) {
  if (inputs.has(client) || answers.get(client).length > 0) return
  console.log(`closing ${client.remoteAddress}`)
  answers.delete(client)
  client.close()
}
