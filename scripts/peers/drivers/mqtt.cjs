'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const { writeFileSync } = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')
const mqtt = require('mqtt')
const { checkHook, freePort, hash, makeCertificate, pattern, scratch, start } = require('./helpers.cjs')

const folder = scratch()
const key = path.join(folder, 'key')
const certificate = path.join(folder, 'crt')
const ca = makeCertificate(key, certificate)
const common = 'allow_anonymous true\npersistence false\nlog_type none\nuser root\n'
let port
let securePort
before(async () => {
  port = await freePort()
  securePort = await freePort()
  const secure = `listener ${securePort} 127.0.0.1\nkeyfile ${key}\ncertfile ${certificate}\n`
  await broker('mosquitto.conf', `${common}listener ${port} 127.0.0.1\n${secure}`, port)
})

/** Starts a mosquitto with this configuration. */
function broker(name, text, at) {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return start('mosquitto', ['-c', file], at)
}

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

test('TLS: messages of 2,000,000 bytes, and a certificate that the client does not trust', async () => {
  const at = `mqtts://localhost:${securePort}`
  const both = await mqtt.connectAsync(at, { ca })
  await both.subscribeAsync('secure', { qos: 2 })
  const data = pattern(2_000_000)
  for (let i = 0; i < 3; i++) {
    const received = once(both, 'message')
    await both.publishAsync('secure', data, { qos: 2 })
    assert.strictEqual(hash((await received)[1]), hash(data))
  }
  await both.endAsync()
  const stranger = mqtt.connect(at, { reconnectPeriod: 0 })
  const [error] = await once(stranger, 'error')
  assert.strictEqual(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  await stranger.endAsync(true)
})

test('a retained message goes to clients that subscribe later, until it is removed', async () => {
  const publisher = await client()
  await publisher.publishAsync('retained/one', 'kept', { retain: true, qos: 1 })
  const later = await client()
  const received = once(later, 'message')
  await later.subscribeAsync('retained/+')
  const [topic, data, packet] = await received
  assert.deepStrictEqual([topic, String(data), packet.retain], ['retained/one', 'kept', true])
  await publisher.publishAsync('retained/one', '', { retain: true, qos: 1 })
  const last = await client()
  const first = once(last, 'message')
  await last.subscribeAsync('retained/+')
  await publisher.publishAsync('retained/two', 'not kept')
  assert.strictEqual((await first)[0], 'retained/two')
  await Promise.all([publisher, later, last].map(each => each.endAsync()))
})

test('a session that waits for its client has the messages in order', async () => {
  const options = { clientId: 'session', clean: false }
  const absent = await client(options)
  await absent.subscribeAsync('session', { qos: 2 })
  await absent.endAsync()
  const publisher = await client()
  for (let i = 0; i < 50; i++) await publisher.publishAsync('session', `${i}`, { qos: 2 })
  const back = mqtt.connect(`mqtt://127.0.0.1:${port}`, options)
  const numbers = []
  await new Promise(resolve => {
    back.on('message', (_, data) => numbers.push(Number(data)) === 50 && resolve())
  })
  assert.deepStrictEqual(
    numbers,
    Array.from({ length: 50 }, (_, i) => i),
  )
  await Promise.all([publisher.endAsync(), back.endAsync()])
})

test('keep-alive: an idle client and the broker exchange pings', async () => {
  const idle = await client({ keepalive: 1 })
  const kinds = []
  await new Promise(resolve => {
    idle.on('packetsend', ({ cmd }) => kinds.push(cmd))
    idle.on('packetreceive', ({ cmd }) => kinds.push(cmd) === 4 && resolve())
  })
  assert.deepStrictEqual(kinds, ['pingreq', 'pingresp', 'pingreq', 'pingresp'])
  await idle.endAsync()
})

test('a broker that is killed: the client connects to the next one and sends what it has kept', async () => {
  const at = await freePort()
  const text = `${common}listener ${at} 127.0.0.1\n`
  const first = await broker('first.conf', text, at)
  const kept = await mqtt.connectAsync(`mqtt://127.0.0.1:${at}`, { reconnectPeriod: 20 })
  const closed = once(kept, 'close')
  first.kill('SIGKILL')
  await closed
  const published = kept.publishAsync('kept', 'after the break', { qos: 1, retain: true })
  await broker('second.conf', text, at)
  await published
  const received = once(kept, 'message')
  await kept.subscribeAsync('kept')
  assert.strictEqual(String((await received)[1]), 'after the break')
  await kept.endAsync()
})

after(() => checkHook(20))
