'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const http = require('node:http')
const { after, test } = require('node:test')
const { createWebSocketStream, WebSocket, WebSocketServer } = require('ws')
const { checkHook, hash, pattern } = require('./helpers.cjs')

const server = http.createServer()
const sockets = new WebSocketServer({ server, perMessageDeflate: true })
sockets.on('connection', peer => peer.on('message', (data, binary) => peer.send(data, { binary })))
server.listen(0, '127.0.0.1')
const ready = once(server, 'listening')
after(() => {
  sockets.close()
  server.close()
})

async function client(options) {
  await ready
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`, options)
  await once(socket, 'open')
  return socket
}

for (const perMessageDeflate of [false, true]) {
  test(`echoes messages of 0 to 4,000,000 bytes, compressed: ${perMessageDeflate}`, async () => {
    const socket = await client({ perMessageDeflate })
    for (const size of [0, 1, 125, 126, 65535, 65536, 4_000_000]) {
      const data = pattern(size)
      socket.send(data)
      const [echo] = await once(socket, 'message')
      assert.strictEqual(hash(echo), hash(data))
    }
    socket.close(1000, 'done')
    assert.strictEqual((await once(socket, 'close'))[0], 1000)
  })
}

test('a thousand messages keep their order', async () => {
  const socket = await client()
  for (let i = 0; i < 1000; i++) socket.send(String(i))
  for (let i = 0; i < 1000;) {
    const [data] = await once(socket, 'message')
    assert.strictEqual(String(data), String(i++))
  }
  socket.terminate()
  assert.strictEqual((await once(socket, 'close'))[0], 1006)
})

test('ping, and a stream with back-pressure', async () => {
  const socket = await client()
  socket.ping('here')
  assert.strictEqual(String((await once(socket, 'pong'))[0]), 'here')
  const stream = createWebSocketStream(socket)
  const data = pattern(8_000_000)
  stream.write(data)
  const parts = []
  for await (const part of stream) {
    parts.push(part)
    if (parts.reduce((sum, each) => sum + each.length, 0) === data.length) break
  }
  assert.strictEqual(hash(Buffer.concat(parts)), hash(data))
})

after(() => checkHook(4))
