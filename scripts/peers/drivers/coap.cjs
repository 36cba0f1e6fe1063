'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const { test } = require('node:test')
const coap = require('coap')
const { freePort, hash, pattern } = require('./helpers.cjs')

async function served(type, handler) {
  const server = coap.createServer({ type }, handler)
  const port = await freePort()
  await new Promise(resolve => server.listen(port, type === 'udp6' ? '::1' : '127.0.0.1', resolve))
  const host = type === 'udp6' ? '[::1]' : '127.0.0.1'
  return { server, url: `coap://${host}:${port}` }
}

for (const type of ['udp4', 'udp6']) {
  test(`requests and answers over ${type}, also in blocks`, async () => {
    const data = pattern(100_000)
    const { server, url } = await served(type, (request, response) => {
      response.end(request.url === '/big' ? data : `${request.method} ${request.url} ${request.payload}`)
    })
    for (const confirmable of [true, false]) {
      const request = coap.request({ ...target(`${url}/path`), method: 'POST', confirmable })
      request.end('body')
      const [response] = await once(request, 'response')
      assert.strictEqual(String(response.payload), 'POST /path body')
    }
    const request = coap.request(`${url}/big`)
    request.end()
    const [response] = await once(request, 'response')
    assert.strictEqual(hash(response.payload), hash(data))
    await new Promise(resolve => server.close(resolve))
  })
}

function target(url) {
  const { hostname, port, pathname } = new URL(url)
  return { hostname: hostname.replace(/[[\]]/g, ''), port: Number(port), pathname }
}

test('observers get every state', async () => {
  const { server, url } = await served('udp4', async (request, response) => {
    for (let i = 0; i < 5; i++) {
      response.write(`state ${i}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    response.end()
  })
  const request = coap.request({ ...target(`${url}/`), observe: true })
  request.end()
  const [response] = await once(request, 'response')
  const states = []
  response.on('data', data => states.push(String(data)))
  while (!states.includes('state 4')) await once(response, 'data')
  response.close()
  await new Promise(resolve => server.close(resolve))
})
