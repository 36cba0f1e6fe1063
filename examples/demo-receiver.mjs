// @ts-check
// The receiver of the demo: receives into memory, then prints the hash of the bytes.
import { createHash } from 'node:crypto'
import { AF_INET } from 'bsd-sockets'
import { Socket } from 'bsd-sockets/sync'

const [port, size] = process.argv.slice(2).map(Number)
const memory = Buffer.alloc(size, 1) // touch the memory before the measurement
const socket = new Socket(AF_INET)
socket.connect(['127.0.0.1', port])
let length = 0
for (let n = 1; n > 0 && length < size; length += n)
  n = socket.recvInto(memory.subarray(length, length + 1024 * 1024))
socket.close()
console.log(createHash('sha256').update(memory.subarray(0, length)).digest('hex'))
