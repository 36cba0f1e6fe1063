'use strict'
const assert = require('node:assert')
const dgram = require('node:dgram')
const { once } = require('node:events')
const { test } = require('node:test')
const { StatsD } = require('hot-shots')

async function receiver() {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

for (const host of ['127.0.0.1', 'localhost']) {
  test(`metrics to ${host}`, async () => {
    const server = await receiver()
    const client = new StatsD({ host, port: server.address().port, prefix: 'my.' })
    const texts = []
    server.on('message', data => texts.push(String(data)))
    await new Promise(resolve => client.increment('count', 3, resolve))
    await new Promise(resolve => client.gauge('level', 1.5, ['tag:x'], resolve))
    while (texts.length < 2) await once(server, 'message')
    assert.deepStrictEqual(texts, ['my.count:3|c', 'my.level:1.5|g|#tag:x'])
    await new Promise(resolve => client.close(resolve))
    server.close()
  })
}

test('buffered metrics are joined, and close() sends what is left', async () => {
  const server = await receiver()
  const client = new StatsD({ port: server.address().port, host: '127.0.0.1', maxBufferSize: 1400 })
  let lines = 0
  const all = new Promise(resolve => {
    server.on('message', data => {
      lines += String(data).trim().split('\n').length
      if (lines === 500) resolve()
    })
  })
  for (let i = 0; i < 500; i++) client.timing('request', i)
  await new Promise(resolve => client.close(resolve))
  await all
  server.close()
})
