// Checks that the addon works on this Node. scripts/prebuilt-test.mjs runs it with every supported Node, so it needs
// only dist/ and BSD_SOCKETS_PREBUILD. Prints "works" last.
const assert = require('node:assert')
const { Worker, isMainThread, parentPort } = require('node:worker_threads')
const { Socket, AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } = require('..')
const { Socket: SyncSocket } = require('../dist/sync.js')

async function talk() {
  const [a, b] = Socket.pair()
  const received = b.recv(10)
  await a.sendAll(Buffer.from('hello'))
  assert.strictEqual(String(await received), 'hello')
  a.close()
  assert.strictEqual((await b.recv(10)).length, 0)
  b.close()

  const listener = new Socket(AF_INET, SOCK_STREAM)
  listener.bind(['127.0.0.1', 0])
  listener.listen()
  const client = new Socket(AF_INET, SOCK_STREAM)
  const accepted = listener.accept()
  await client.connect(listener.getsockname())
  const socket = await accepted
  await client.sendAll(Buffer.alloc(1 << 16, 'x'))
  assert((await socket.recv(1 << 16)).length > 0)
  for (const each of [listener, client, socket]) each.close()

  const [left, right] = SyncSocket.pair(AF_UNIX, SOCK_DGRAM)
  left.send(Buffer.from('datagram'))
  assert.strictEqual(String(right.recv(100)), 'datagram')
  left.close()
  right.close()
}

async function main() {
  await talk()
  if (!isMainThread) return void parentPort.postMessage('done')
  const worker = new Worker(__filename)
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
  console.log(`${process.platform}-${process.arch} Node ${process.versions.node} works`)
}

void main()
