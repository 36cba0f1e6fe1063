'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { Redis } = require('ioredis')
const { checkHook, freePort, hash, pattern, scratch, start } = require('./helpers.cjs')

const file = path.join(scratch(), 'redis')
let port
before(async () => {
  port = await freePort()
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--unixsocket', file]
  await start('redis-server', args, port)
})

for (const kind of ['TCP', 'AF_UNIX']) {
  test(`values of up to 8,000,000 bytes, pipelines and scripts over ${kind}`, async () => {
    const redis = kind === 'TCP' ? new Redis(port, '127.0.0.1') : new Redis(file)
    for (const size of [0, 1, 65536, 8_000_000]) {
      const data = pattern(size)
      await redis.set('value', data)
      assert.strictEqual(hash(await redis.getBuffer('value')), hash(data))
    }
    const pipeline = redis.pipeline()
    for (let i = 0; i < 10_000; i++) pipeline.incr('count')
    const results = await pipeline.exec()
    assert.deepStrictEqual(results.at(-1), [null, 10_000])
    assert.strictEqual(await redis.eval('return redis.call("del", "count")', 0), 1)
    await assert.rejects(redis.call('NOSUCH'), /unknown command/)
    await redis.quit()
  })
}

test('messages reach subscribers', async () => {
  const [publisher, subscriber] = [new Redis(port, '127.0.0.1'), new Redis(file)]
  await subscriber.subscribe('channel')
  const received = once(subscriber, 'message')
  assert.strictEqual(await publisher.publish('channel', 'hello'), 1)
  assert.deepStrictEqual(await received, ['channel', 'hello'])
  publisher.disconnect()
  subscriber.disconnect()
})

test('a client whose connection is killed connects again', async () => {
  const [redis, other] = [new Redis(port, '127.0.0.1'), new Redis(port, '127.0.0.1')]
  const closed = once(redis, 'close')
  await other.call('CLIENT', 'KILL', 'ID', String(await redis.client('ID')))
  await closed
  assert.strictEqual(await redis.ping(), 'PONG')
  redis.disconnect()
  other.disconnect()
})

test('a refused connection is an error of the command', async () => {
  const redis = new Redis(await freePort(), '127.0.0.1', { retryStrategy: null, maxRetriesPerRequest: 0 })
  const error = once(redis, 'error')
  await assert.rejects(redis.ping())
  assert.strictEqual((await error)[0].code, 'ECONNREFUSED')
})

after(() => checkHook(3))
