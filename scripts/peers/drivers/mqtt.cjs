'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const { writeFileSync } = require('node:fs')
const path = require('node:path')
const { before, test } = require('node:test')
const mqtt = require('mqtt')
const { freePort, hash, pattern, scratch, start } = require('./helpers.cjs')

let port
before(async () => {
  port = await freePort()
  const file = path.join(scratch(), 'mosquitto.conf')
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n`)
  await start('mosquitto', ['-c', file], port)
})

const client = options => mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options)

for (const protocolVersion of [4, 5]) {
  for (const qos of [0, 1, 2]) {
    test(`messages of up to 2,000,000 bytes, version ${protocolVersion}, quality ${qos}`, async () => {
      const [publisher, subscriber] = await Promise.all([
        client({ protocolVersion }),
        client({ protocolVersion }),
      ])
      await subscriber.subscribeAsync('topic', { qos })
      for (const size of [0, 1, 65536, 2_000_000]) {
        const data = pattern(size)
        const received = once(subscriber, 'message')
        await publisher.publishAsync('topic', data, { qos })
        assert.strictEqual(hash((await received)[1]), hash(data))
      }
      await Promise.all([publisher.endAsync(), subscriber.endAsync()])
    })
  }
}

test('a thousand messages keep their order', async () => {
  const [publisher, subscriber] = await Promise.all([client(), client()])
  await subscriber.subscribeAsync('order', { qos: 1 })
  const numbers = []
  const all = new Promise(resolve => {
    subscriber.on('message', (_, data) => numbers.push(Number(data)) === 1000 && resolve())
  })
  await Promise.all(
    Array.from({ length: 1000 }, (_, i) => publisher.publishAsync('order', `${i}`, { qos: 1 })),
  )
  await all
  assert.deepStrictEqual(
    numbers,
    Array.from({ length: 1000 }, (_, i) => i),
  )
  await Promise.all([publisher.endAsync(), subscriber.endAsync()])
})

test('the will of a client whose connection breaks is sent, and the client connects again', async () => {
  const will = { topic: 'will', payload: 'gone', qos: 1 }
  const [broken, subscriber] = await Promise.all([client({ will, reconnectPeriod: 50 }), client()])
  await subscriber.subscribeAsync('will')
  const [received, again] = [once(subscriber, 'message'), once(broken, 'connect')]
  broken.stream.destroy()
  assert.strictEqual(String((await received)[1]), 'gone')
  await again
  await Promise.all([broken.endAsync(), subscriber.endAsync()])
})
