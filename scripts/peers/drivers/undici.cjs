'use strict'
const assert = require('node:assert')
const { writeFileSync } = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { before, test } = require('node:test')
const { Pool, request } = require('undici')
const { freePort, hash, pattern, scratch, start } = require('./helpers.cjs')

const folder = scratch()
const data = pattern(5_000_000)
let origin
before(async () => {
  const port = await freePort()
  writeFileSync(path.join(folder, 'file'), data)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    each => `${each}_temp_path ${folder}/${each};`,
  )
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; user root; pid ${folder}/pid; error_log ${folder}/errors; worker_processes 1;
     events {}
     http { access_log off; ${paths.join(' ')} keepalive_requests 50;
       server { listen 127.0.0.1:${port}; listen unix:${folder}/http; root ${folder}; } }`,
  )
  await start('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', `${folder}/errors`], port)
  origin = `http://127.0.0.1:${port}`
})

test('200 requests for a file, ten at a time, over connections that nginx closes', async () => {
  const pool = new Pool(origin, { connections: 10 })
  for (let i = 0; i < 20; i++) {
    const bodies = Array.from({ length: 10 }, async () => {
      const { statusCode, body } = await pool.request({ path: '/file', method: 'GET' })
      assert.strictEqual(statusCode, 200)
      return hash(Buffer.from(await body.arrayBuffer()))
    })
    for (const each of await Promise.all(bodies)) assert.strictEqual(each, hash(data))
  }
  await pool.close()
})

test('a path of AF_UNIX, and an error of HTTP', async () => {
  const pool = new Pool(origin, { socketPath: path.join(folder, 'http') })
  const { statusCode, body } = await pool.request({ path: '/none', method: 'GET' })
  assert.strictEqual(statusCode, 404)
  await body.dump()
  await pool.close()
})

test('bodies are uploaded, and pipelined requests are answered in order', async () => {
  const server = http.createServer(async (incoming, response) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    response.end(`${incoming.url} ${hash(Buffer.concat(parts))}`)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const pool = new Pool(`http://127.0.0.1:${server.address().port}`, { connections: 1, pipelining: 10 })
  const texts = Array.from({ length: 50 }, async (_, i) => {
    const { body } = await pool.request({ path: `/${i}`, method: 'PUT', body: data.subarray(0, i * 10_000) })
    return body.text()
  })
  for (const [i, text] of (await Promise.all(texts)).entries())
    assert.strictEqual(text, `/${i} ${hash(data.subarray(0, i * 10_000))}`)
  await pool.close()
  server.close()
})

test('a refused connection, and a signal', async () => {
  await assert.rejects(request(`http://127.0.0.1:${await freePort()}`), { code: 'ECONNREFUSED' })
  const silent = http.createServer(() => {})
  await new Promise(resolve => silent.listen(0, '127.0.0.1', resolve))
  const signal = AbortSignal.timeout(50)
  await assert.rejects(request(`http://127.0.0.1:${silent.address().port}`, { signal }), {
    name: 'TimeoutError',
  })
  silent.closeAllConnections()
  silent.close()
})
