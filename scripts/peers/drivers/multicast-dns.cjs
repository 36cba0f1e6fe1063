'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const { test } = require('node:test')
const mdns = require('multicast-dns')

const options = { interface: '192.0.2.1', bind: '0.0.0.0' }

test('a query reaches a responder by multicast, and the answer comes back', async () => {
  const [responder, client] = [mdns(options), mdns(options)]
  await Promise.all([once(responder, 'ready'), once(client, 'ready')])
  responder.on('query', query => {
    if (query.questions.some(each => each.name === 'printer.local'))
      responder.respond([{ name: 'printer.local', type: 'A', ttl: 120, data: '192.0.2.7' }])
  })
  client.query('printer.local', 'A')
  const answers = []
  while (answers.length === 0) {
    const [{ answers: some }] = await once(client, 'response')
    answers.push(...some)
  }
  assert.deepStrictEqual([answers[0].name, answers[0].data], ['printer.local', '192.0.2.7'])
  await Promise.all([responder, client].map(each => new Promise(resolve => each.destroy(resolve))))
})
