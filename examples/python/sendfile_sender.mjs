// Sends a file with sendfile(2), or with --copy by reading and sending it, and prints how long that took.
// Usage: node sendfile_sender.mjs <file> [port [address]] [--copy]
import { open } from 'node:fs/promises'
import { Socket } from 'bsd-sockets'

const copy = process.argv.includes('--copy')
const [name, port = '5678', address = '127.0.0.1'] = process.argv.slice(2).filter(each => each !== '--copy')
const file = await open(name)
const socket = new Socket()
try {
  await socket.connect([address, Number(port)])
  const start = performance.now()
  let sent = 0
  if (copy) {
    for await (const data of file.createReadStream({ autoClose: false })) {
      await socket.sendAll(data)
      sent += data.length
    }
  } else {
    sent = await socket.sendfile(file)
  }
  console.log(`${sent} bytes in ${(performance.now() - start).toFixed(1)} ms`)
} finally {
  socket.close()
  await file.close()
}
