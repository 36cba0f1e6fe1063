import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import tls from 'node:tls'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AF_INET, AF_UNIX, Socket, type SocketError, type AddressLike } from '../../lib'
import { makeCertificate } from '../helpers/certificate'
import { run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { turn, withPath } from '../helpers/pairs'

/*
 * TLS and HTTP over toDuplex() with other programs as peers: nginx as the server, curl as the client.
 */
const nginx = missing.program('nginx', '-v')
const curl = missing.program('curl', '--version')
const openssl = missing.program('openssl', 'version')
const size = 16 << 20
const sha256 = (): ReturnType<typeof createHash> => createHash('sha256')

async function connect(address: AddressLike): Promise<Socket> {
  const socket = new Socket(typeof address === 'string' ? AF_UNIX : AF_INET)
  try {
    await socket.connect(address)
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

/** Connects as soon as the server listens. */
async function connectSoon(address: AddressLike): Promise<Socket> {
  for (;;) {
    try {
      return await connect(address)
    } catch (error) {
      if (!['ENOENT', 'ECONNREFUSED'].includes((error as SocketError).code)) throw error
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
}

async function freePort(): Promise<number> {
  using probe = new Socket(AF_INET).bind(['127.0.0.1', 0])
  await turn()
  return (probe.getsockname() as unknown as { port: number }).port
}

/** Sends a GET over a connected stream. Returns the hash and the length of the response. */
async function get(
  stream: Duplex,
  agent?: http.Agent,
): Promise<{ hash: string; length: number; status: number }> {
  const request = http.get({
    path: '/file',
    host: 'localhost',
    createConnection: () => stream,
    ...(agent && { agent }),
  })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  // nginx closes without waiting for close_notify, so close_notify may fail with EPIPE.
  request.on('error', error => expect(error).toMatchObject({ code: 'EPIPE' }))
  const hash = sha256()
  let length = 0
  for await (const chunk of response) {
    hash.update(chunk as Buffer)
    length += (chunk as Buffer).length
  }
  return { hash: hash.digest('hex'), length, status: response.statusCode! }
}

async function withNginx(
  use: (at: { plain: string; secure: string; port: number; ca: Buffer; hash: string }) => Promise<void>,
): Promise<void> {
  await withPath(async file => {
    const { cert } = makeCertificate(file)
    const port = await freePort()
    const body = randomBytes(size)
    mkdirSync(`${file}.www`)
    writeFileSync(`${file}.www/file`, body)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      name => `${name}_temp_path ${file}.${name};`,
    )
    const user = process.getuid?.() === 0 ? 'user root;' : ''
    writeFileSync(
      `${file}.conf`,
      `${user} daemon off; master_process off; worker_processes 1; pid ${file}.pid; error_log stderr error;
       events { worker_connections 64; }
       http { access_log off; ${temporary.join(' ')}
         server { listen unix:${file}.plain; listen unix:${file}.secure ssl; listen 127.0.0.1:${port} ssl;
           ssl_certificate ${file}.crt; ssl_certificate_key ${file}.key; root ${file}.www; } }`,
    )
    const child = spawn('nginx', ['-c', `${file}.conf`, '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const ended = once(child, 'close')
    try {
      const died = ended.then(() => Promise.reject(new Error(`nginx: ${said}`)))
      const ready = connectSoon(['127.0.0.1', port])
      ;(await Promise.race([ready, died])).close()
      died.catch(() => undefined)
      const hash = sha256().update(body).digest('hex')
      await use({ plain: `${file}.plain`, secure: `${file}.secure`, port, ca: cert, hash })
    } finally {
      child.kill()
      await ended
    }
  })
}

/** Runs a Node server on a listening Socket of the package, and requests it with curl. */
async function withServer(
  server: http.Server | https.Server,
  address: AddressLike,
  use: (listener: Socket) => Promise<void>,
): Promise<void> {
  using listener = new Socket(typeof address === 'string' ? AF_UNIX : AF_INET).bind(address).listen()
  const serving = (async () => {
    for await (const connection of listener.connections()) server.emit('connection', connection.toDuplex())
  })()
  try {
    await use(listener)
  } finally {
    listener.close()
    server.close()
    await serving
  }
}

const echo: http.RequestListener = (request, response) =>
  void pipeline(request, response).catch(() => undefined)

testIf(
  nginx ?? openssl,
  'an HTTP client over toDuplex requests nginx with HTTP and HTTPS, over AF_UNIX and TCP',
  () =>
    withNginx(async ({ plain, secure, port, ca, hash }) => {
      const expected = { hash, length: size, status: 200 }
      expect(await get((await connect(plain)).toDuplex())).toEqual(expected)
      for (const address of [secure, ['127.0.0.1', port]] as AddressLike[]) {
        const socket = await connect(address)
        const secured = tls.connect({ socket: socket.toDuplex(), ca, servername: 'localhost' })
        await once(secured, 'secureConnect')
        expect(secured.authorized).toBe(true)
        expect(await get(secured)).toEqual(expected)
        secured.destroy()
        await turn()
        expect(socket.closed).toBe(true)
      }
    }),
)

testIf(nginx ?? openssl, 'an HTTP agent reuses a toDuplex connection for the next request', () =>
  withNginx(async ({ plain, hash }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    let made = 0
    const socket = await connect(plain)
    Object.assign(agent, { createConnection: () => (made++, socket.toDuplex()) })
    for (let i = 0; i < 3; i++) {
      const request = http.get({ path: '/file', agent })
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      const sum = sha256()
      for await (const chunk of response) sum.update(chunk as Buffer)
      expect(sum.digest('hex')).toBe(hash)
      await turn()
    }
    expect(made).toBe(1)
    agent.destroy()
    await turn()
    socket.close()
  }),
)

describe.each(['AF_UNIX', 'TCP'] as const)('curl requests a server of the package over %s', family => {
  /** Uploads a file and compares the response. */
  async function exchange(file: string, listener: Socket, scheme: 'http' | 'https'): Promise<void> {
    const body = randomBytes(size)
    writeFileSync(`${file}.up`, body)
    const local = listener.getsockname() as unknown as { port?: number; path?: string }
    const where = local.port === undefined ? ['--unix-socket', local.path!] : []
    const authority = local.port === undefined ? 'localhost' : `localhost:${local.port}`
    const resolve = local.port === undefined ? [] : ['--resolve', `localhost:${local.port}:127.0.0.1`]
    const trust = scheme === 'https' ? ['--cacert', `${file}.crt`] : []
    const ended = await run('curl', [
      ...['-sS', '--noproxy', '*', '-H', 'Expect:', '-T', `${file}.up`, '-o', `${file}.down`],
      ...['-w', '%{http_code} %{size_upload} %{size_download}'],
      ...where,
      ...resolve,
      ...trust,
      `${scheme}://${authority}/`,
    ])
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `200 ${size} ${size}` })
    const same = await run('cmp', [`${file}.up`, `${file}.down`])
    expect(same.code).toBe(0)
  }

  const address = (file: string): AddressLike => (family === 'AF_UNIX' ? `${file}.sock` : ['127.0.0.1', 0])

  testIf(curl, 'with HTTP, the uploaded file comes back unchanged', () =>
    withPath(file =>
      withServer(http.createServer(echo), address(file), listener => exchange(file, listener, 'http')),
    ),
  )

  testIf(curl ?? openssl, 'with HTTPS, the uploaded file comes back unchanged', () =>
    withPath(file =>
      withServer(https.createServer(makeCertificate(file), echo), address(file), listener =>
        exchange(file, listener, 'https'),
      ),
    ),
  )
})

testIf(openssl, 'tls.TLSSocket works on both ends of a socket pair, including half-close', () =>
  withPath(async file => {
    const { key, cert } = makeCertificate(file)
    const [a, b] = Socket.pair()
    const server = new tls.TLSSocket(a.toDuplex(), { isServer: true, key, cert })
    const client = tls.connect({ socket: b.toDuplex(), ca: cert, servername: 'localhost' })
    const body = randomBytes(1 << 20)
    const echoed = pipeline(server, server)
    client.end(body)
    const parts: Buffer[] = []
    for await (const chunk of client) parts.push(chunk as Buffer)
    await echoed
    expect(Buffer.concat(parts).equals(body)).toBe(true)
    await turn()
    await turn()
    expect([a.closed, b.closed]).toEqual([true, true])
  }),
)
