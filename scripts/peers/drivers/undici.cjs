'use strict'
const assert = require('node:assert')
const { once } = require('node:events')
const { readFileSync, writeFileSync } = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { Client, Pool, request } = require('undici')
const { checkHook, freePort, hash, makeCertificate, pattern, scratch, start } = require('./helpers.cjs')

const folder = scratch()
const data = pattern(5_000_000)
let origin
let secure
let ca
before(async () => {
  const port = await freePort()
  const securePort = await freePort()
  ca = makeCertificate(path.join(folder, 'key'), path.join(folder, 'crt'))
  writeFileSync(path.join(folder, 'file'), data)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    each => `${each}_temp_path ${folder}/${each};`,
  )
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; user root; pid ${folder}/pid; error_log ${folder}/errors; worker_processes 1;
     events {}
     http { access_log off; ${paths.join(' ')} keepalive_requests 50; client_max_body_size 50m;
       server { listen 127.0.0.1:${port}; listen unix:${folder}/http; root ${folder};
                location /up/ { dav_methods PUT; create_full_put_path on; } }
       server { listen 127.0.0.1:${securePort} ssl; root ${folder};
                ssl_certificate ${folder}/crt; ssl_certificate_key ${folder}/key; } }`,
  )
  await start('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', `${folder}/errors`], port)
  origin = `http://127.0.0.1:${port}`
  secure = `https://localhost:${securePort}`
})

/** Starts a server of node:http. Returns it with its origin. */
async function httpServer(listener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, at: `http://127.0.0.1:${server.address().port}` }
}

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
  const { server, at } = await httpServer(async (incoming, response) => {
    const parts = []
    for await (const part of incoming) parts.push(part)
    response.end(`${incoming.url} ${hash(Buffer.concat(parts))}`)
  })
  const pool = new Pool(at, { connections: 1, pipelining: 10 })
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
  const { server, at } = await httpServer(() => {})
  const signal = AbortSignal.timeout(50)
  await assert.rejects(request(at, { signal }), { name: 'TimeoutError' })
  server.closeAllConnections()
  server.close()
})

test('100 pipelined requests to nginx, which closes each connection after 50', async () => {
  const client = new Client(origin, { pipelining: 20 })
  let connections = 0
  client.on('connect', () => connections++)
  const answers = Array.from({ length: 100 }, async () => {
    const { statusCode, body } = await client.request({ path: '/file', method: 'GET', blocking: false })
    return [statusCode, hash(Buffer.from(await body.arrayBuffer()))]
  })
  for (const answer of await Promise.all(answers)) assert.deepStrictEqual(answer, [200, hash(data)])
  assert.ok(connections >= 2)
  await client.close()
})

test('TLS: requests over connections that are kept, and a certificate that the client does not trust', async () => {
  const pool = new Pool(secure, { connections: 2, connect: { ca } })
  let connections = 0
  pool.on('connect', () => connections++)
  for (let i = 0; i < 5; i++) {
    const answers = [0, 1].map(async () => {
      const { statusCode, body } = await pool.request({ path: '/file', method: 'GET' })
      return [statusCode, hash(Buffer.from(await body.arrayBuffer()))]
    })
    for (const answer of await Promise.all(answers)) assert.deepStrictEqual(answer, [200, hash(data)])
  }
  assert.strictEqual(connections, 2)
  await pool.close()
  const stranger = new Client(secure)
  await assert.rejects(stranger.request({ path: '/', method: 'GET' }), {
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  await stranger.close()
})

test('a body of 20 MB that is made in parts is uploaded to nginx', async () => {
  const parts = Array.from({ length: 4 }, () => data)
  const { statusCode, body } = await request(`${origin}/up/file`, {
    method: 'PUT',
    body: (async function* () {
      for (const part of parts) yield part
    })(),
  })
  await body.dump()
  assert.strictEqual(statusCode, 201)
  assert.strictEqual(hash(readFileSync(path.join(folder, 'up/file'))), hash(Buffer.concat(parts)))
})

test('a signal in the middle of a body, then another request', async () => {
  const pool = new Pool(origin, { connections: 1 })
  const controller = new AbortController()
  const { body } = await pool.request({ path: '/file', method: 'GET', signal: controller.signal })
  await assert.rejects(
    async () => {
      for await (const part of body) if (part.length > 0) controller.abort()
    },
    { name: 'AbortError' },
  )
  const next = await pool.request({ path: '/file', method: 'GET' })
  assert.strictEqual(hash(Buffer.from(await next.body.arrayBuffer())), hash(data))
  await pool.close()
})

test('a server that ends, or resets, in the middle of a body', async () => {
  const ends = ['destroy', 'resetAndDestroy']
  const { server, at } = await httpServer((incoming, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('part', () => incoming.socket[ends.shift()]())
  })
  for (const codes of [['UND_ERR_SOCKET'], ['ECONNRESET', 'UND_ERR_SOCKET']]) {
    await assert.rejects(
      request(at).then(({ body }) => body.text()),
      error => codes.includes(error.code),
    )
  }
  server.close()
})

for (const method of ['UPGRADE', 'CONNECT']) {
  test(`${method}: 5 MB through the stream, which both sides end`, async () => {
    const { server, at } = await httpServer()
    const echo = (_, socket) => {
      const answer = method === 'UPGRADE' ? '101 Yes\r\nConnection: upgrade\r\nUpgrade: echo' : '200 Yes'
      socket.write(`HTTP/1.1 ${answer}\r\n\r\n`)
      socket.pipe(socket)
    }
    server.on(method.toLowerCase(), echo)
    const client = new Client(at)
    const { socket } = await (method === 'UPGRADE'
      ? client.upgrade({ path: '/', method: 'GET', protocol: 'echo' })
      : client.connect({ path: 'host:1' }))
    socket.end(data)
    const parts = []
    for await (const part of socket) parts.push(part)
    assert.strictEqual(hash(Buffer.concat(parts)), hash(data))
    await client.close()
    server.close()
  })
}

after(() => checkHook(20))
