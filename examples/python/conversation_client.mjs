// Sends each typed line and prints the answer, until "bye" or the end of the input.
// Usage: node conversation_client.mjs [port [host]]
import { createConnection } from 'bsd-sockets'
import { createInterface } from 'node:readline/promises'

const [port = '8001', host = '127.0.0.1'] = process.argv.slice(2)
const connection = await createConnection({ host, port: Number(port) })
const person = createInterface({ input: process.stdin, output: process.stdout, prompt: '-> ' })
person.prompt()
for await (const line of person) {
  if (line.trim().toLowerCase() === 'bye') break
  await connection.sendAll(Buffer.from(line))
  const answer = await connection.recv(1024)
  if (answer.length === 0) break // the server has closed the connection
  console.log(`received ${answer}`)
  person.prompt()
}
person.close()
connection.close()
