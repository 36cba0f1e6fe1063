import { spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createConnection, type SocketReader } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { Peer } from '../helpers/network'
import { pattern } from '../helpers/pairs'

const program = path.join(__dirname, '../../examples/http-static.mjs')
const curl = missing.program('curl', '--version')
const large = pattern(3_000_000)

interface Response {
  status: number
  fields: Map<string, string>
  body: string
}

/** Reads a response of HTTP/1.1 that has a length. */
async function readResponse(reader: SocketReader, hasBody = true): Promise<Response> {
  const [first, ...lines] = String(await reader.until('\r\n\r\n'))
    .trimEnd()
    .split('\r\n')
  const fields = new Map(lines.map(line => [line.split(': ')[0]!, line.slice(line.indexOf(': ') + 2)]))
  const body = hasBody ? await reader.exactly(Number(fields.get('Content-Length'))) : ''
  return { status: Number(first!.split(' ')[1]), fields, body: body.toString('latin1') }
}

describe('examples/http-static.mjs', () => {
  let directory: string
  let folder: string
  let server: Peer
  let url: string
  let port: number
  /** What the server writes to its standard error. */
  let complaint: unknown = ''

  const start = async (...args: string[]): Promise<void> => {
    server = new Peer(spawn(process.execPath, [program, '--port', '0', ...args, folder]))
    const [, where, number] = await server.line(/(http:\/\/127\.0\.0\.1:(\d+))\/$/)
    url = where!
    port = Number(number)
  }
  const get = async (where: string, ...args: string[]): Promise<string> => {
    const ended = await run('curl', ['-s', '--path-as-is', '-m', '10', ...args, `${url}${where}`])
    expect(ended.code).toBe(0)
    return ended.stdout
  }
  /** Sends text on a new connection, and reads to the end of the stream. */
  const raw = async (text: string): Promise<string> => {
    const client = await createConnection({ host: '127.0.0.1', port })
    await client.sendAll(Buffer.from(text))
    let answer = ''
    for await (const chunk of client.chunks()) answer += String(chunk)
    client.close()
    return answer
  }
  const statusOf = (...args: [string, ...string[]]): Promise<string> =>
    get(...args, '-o', '/dev/null', '-w', '%{http_code}')

  beforeAll(() => {
    ensureBuilt()
    directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'bsd-sockets-http-')))
    folder = path.join(directory, 'web')
    mkdirSync(path.join(folder, 'sub dir'), { recursive: true })
    writeFileSync(path.join(directory, 'secret.txt'), 'secret')
    writeFileSync(path.join(folder, 'small.txt'), 'hello, world')
    writeFileSync(path.join(folder, 'empty'), '')
    writeFileSync(path.join(folder, 'large.bin'), large)
    writeFileSync(path.join(folder, 'sub dir/index.html'), '<p>index')
    symlinkSync('../secret.txt', path.join(folder, 'link.txt'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  beforeEach(() => start('--workers', '1'))
  afterEach(async () => {
    if (!server.child.killed) server.child.kill('SIGTERM') // a second signal would end it at once
    expect(await server.ended).toMatchObject({ code: 0, stderr: complaint })
    complaint = ''
  })

  testIf(curl, 'http-static.mjs: GET and HEAD of small, empty and large files', async () => {
    expect(await get('/small.txt?a=b', '-i')).toMatch(
      /^HTTP\/1\.1 200 OK\r\nDate: .* GMT\r\n[^]*Content-Type: text\/plain; charset=utf-8\r\n[^]*Content-Length: 12\r\n\r\nhello, world$/,
    )
    expect(await get('/empty', '-i')).toMatch(/Content-Length: 0\r\n\r\n$/)
    expect(await get('/large.bin', '-I')).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 3000000\r\n/)
    expect(await get('/small.txt', '-I')).toMatch(/Content-Length: 12\r\n\r\n$/)
    const file = path.join(directory, 'got')
    await get('/large.bin', '-o', file)
    expect(readFileSync(file).equals(large)).toBe(true)
    expect(await get('/small.txt', '-0', '-i')).toMatch(/Connection: close\r\n/)
  })

  testIf(curl, 'http-static.mjs: one connection carries several requests, also pipelined ones', async () => {
    const two = [`${url}/small.txt`, `${url}/large.bin`, `${url}/none`]
    const each = two.flatMap(where => ['-o', '/dev/null', where])
    const ended = await run('curl', ['-s', '-w', '%{http_code} %{num_connects}\n', ...each])
    expect(ended.stdout).toBe('200 1\n200 0\n404 0\n')
    const request = (more: string): string => `GET /small.txt HTTP/1.1\r\nHost: x\r\n${more}\r\n`
    const answer = await raw(request('') + request('Range: bytes=0-4\r\n') + request('Connection: close\r\n'))
    expect(answer.split('\r\n\r\n').slice(1).map(part => part.split('HTTP/1.1')[0])).toEqual(['hello, world', 'hello', 'hello, world']) // prettier-ignore
  })

  testIf(curl, 'http-static.mjs: ranges', async () => {
    for (const [range, text, field] of [
      ['2-4', 'llo', '2-4/12'],
      ['7-', 'world', '7-11/12'],
      ['-5', 'world', '7-11/12'],
      ['0-99', 'hello, world', '0-11/12'],
    ]) {
      const answer = await get('/small.txt', '-i', '-r', range!)
      expect(answer).toMatch(/^HTTP\/1\.1 206 Partial Content\r\n/)
      expect(answer).toContain(`Content-Range: bytes ${field}\r\n`)
      expect(answer.split('\r\n\r\n')[1]).toBe(text)
    }
    for (const range of ['12-', '99-100', '-0'])
      expect(await get('/small.txt', '-i', '-r', range)).toMatch(
        /^HTTP\/1\.1 416 [^]*Content-Range: bytes \*\/12\r\n/,
      )
    // What is not one range of bytes is ignored.
    for (const range of ['4-2', '0-1,3-4', 'x', '-'])
      expect(await statusOf('/small.txt', '-H', `Range: bytes=${range}`)).toBe('200')
    const file = path.join(directory, 'part')
    await get('/large.bin', '-r', '1000000-2999998', '-o', file)
    expect(readFileSync(file).equals(large.subarray(1_000_000, 2_999_999))).toBe(true)
    expect(await statusOf('/large.bin', '-r', '0-1', '-H', 'If-Range: "another"')).toBe('200')
  })

  testIf(curl, 'http-static.mjs: validators, and a file that changes', async () => {
    const [, etag] = /ETag: (.*)\r/.exec(await get('/small.txt', '-I'))!
    expect(await get('/small.txt', '-i', '-H', `If-None-Match: "x", W/${etag}`)).toMatch(
      /^HTTP\/1\.1 304 Not Modified\r\n[^]*\r\n\r\n$/,
    )
    expect(await statusOf('/small.txt', '-z', path.join(folder, 'small.txt'))).toBe('304')
    expect(await statusOf('/small.txt', '-H', 'If-None-Match: "x"')).toBe('200')
    expect(await statusOf('/large.bin', '-r', '0-1', '-H', 'If-Range: "x"')).toBe('200')
    const file = path.join(folder, 'changing.txt')
    writeFileSync(file, 'before')
    expect(await get('/changing.txt')).toBe('before')
    writeFileSync(file, 'after')
    let seen: string
    do seen = await get('/changing.txt')
    while (seen === 'before')
    expect(seen).toBe('after')
    rmSync(file)
    while ((await statusOf('/changing.txt')) === '200');
    expect(await statusOf('/changing.txt')).toBe('404')
  })

  testIf(curl, 'http-static.mjs: folders, and no way out of the folder', async () => {
    expect(await get('/sub%20dir', '-i')).toMatch(/^HTTP\/1\.1 301 [^]*Location: \/sub%20dir\/\r\n/)
    expect(await get('/sub%20dir/')).toBe('<p>index')
    expect(await get('//sub%20dir', '-i')).toContain('Location: /sub%20dir/\r\n') // not //, another host
    const outside = [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/sub%20dir/../../secret.txt',
      '/..%2fsecret.txt',
    ]
    for (const where of [...outside, '/link.txt', '/none', '/small.txt/x', '/'])
      expect([where, await statusOf(where)]).toEqual([where, '404'])
    for (const where of ['/%', '/%ff', '/%00']) expect([where, await statusOf(where)]).toEqual([where, '400'])
  })

  testIf(curl, 'http-static.mjs refuses other methods, bodies and malformed or long heads', async () => {
    expect(await get('/small.txt', '-i', '-X', 'DELETE')).toMatch(/^HTTP\/1\.1 405 [^]*Allow: GET, HEAD\r\n/)
    expect(await statusOf('/small.txt', '-d', 'x'.repeat(100_000))).toBe('400')
    expect(await statusOf('/small.txt', '-H', `X: ${'x'.repeat(20_000)}`)).toBe('431')
    for (const text of [
      'GET /\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\n bad: x\r\n\r\n',
    ])
      expect(await raw(text)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  testIf(missing.program('ab', '-V'), 'http-static.mjs serves ab -k without a failed request', async () => {
    for (const file of ['small.txt', 'large.bin']) {
      const count = file === 'small.txt' ? 5000 : 200
      const args = ['-q', '-k', '-c', '16', '-n', String(count), `${url}/${file}`]
      const { stdout } = await run('ab', args, { timeout: 30_000 })
      expect(stdout).toMatch(new RegExp(`Complete requests: +${count}\n`))
      expect(stdout).toMatch(/Failed requests: +0\n/)
      expect(stdout).toMatch(new RegExp(`Keep-Alive requests: +${count}\n`))
    }
  })

  test('http-static.mjs closes the connection if a file becomes shorter while it is sent', async () => {
    const huge = path.join(folder, 'huge')
    writeFileSync(huge, '')
    truncateSync(huge, 64 << 20)
    const client = await createConnection({ host: '127.0.0.1', port })
    const request = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`
    await client.sendAll(Buffer.from(request('huge') + request('many-0')))
    const reader = client.reader()
    await reader.until('\r\n\r\n')
    truncateSync(huge, 32 << 20)
    const zeros = Buffer.alloc(1 << 20)
    let got = 0
    // Another response would not consist of zeros.
    for await (const chunk of client.chunks()) {
      expect(chunk.equals(zeros.subarray(0, chunk.length))).toBe(true)
      got += chunk.length
    }
    expect(got).toBe(32 << 20)
    complaint = expect.stringMatching(/^Error: the file became shorter\n/)
    client.close()
    rmSync(huge)
  })

  testIf(missing.linux(), 'http-static.mjs keeps at most 256 files open', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `many-${i}`)
    for (const name of many) {
      writeFileSync(path.join(folder, name), '')
      truncateSync(path.join(folder, name), 65537)
    }
    const client = await createConnection({ host: '127.0.0.1', port })
    const reader = client.reader()
    for (const name of many) {
      await client.sendAll(Buffer.from(`GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`))
      expect((await readResponse(reader)).body).toHaveLength(65537)
    }
    const open = readdirSync(`/proc/${server.child.pid}/fd`).length
    expect(open).toBeGreaterThan(256)
    expect(open).toBeLessThan(299)
    client.close()
  })

  test.each(['1', '2'])('http-static.mjs answers every request while it ends, %s workers', async workers => {
    await server.stop()
    await start('--workers', workers)
    const visitor = async (name: string): Promise<string> => {
      const client = await createConnection({ host: '127.0.0.1', port })
      const reader = client.reader({ timeout: 10_000 })
      for (let answered = 0; ; answered++) {
        await client.sendAll(Buffer.from(`GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`))
        const { status, fields, body } = await readResponse(reader)
        expect([status, body.length]).toEqual([200, name === 'small.txt' ? 12 : large.length])
        if (answered === 0) started()
        if (fields.get('Connection') !== 'close') continue
        expect(await reader.read()).toHaveLength(0)
        client.close()
        return 'closed in order'
      }
    }
    let waiting = 24
    let started!: () => void
    const all = new Promise<void>(resolve => (started = () => --waiting === 0 && resolve()))
    const visits = Array.from({ length: 24 }, (_, i) => visitor(i % 3 === 0 ? 'large.bin' : 'small.txt'))
    await all
    // This connection is idle when the server ends: its last request is answered too.
    const idle = await createConnection({ host: '127.0.0.1', port })
    const reader = idle.reader()
    const ask = (): Promise<void> => idle.sendAll(Buffer.from('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n'))
    await ask()
    await readResponse(reader, false)
    server.child.kill('SIGTERM')
    await Promise.race(visits)
    await ask()
    expect((await readResponse(reader, false)).fields.get('Connection')).toBe('close')
    idle.close()
    expect(new Set(await Promise.all(visits))).toEqual(new Set(['closed in order']))
  })
})

test.each([
  [['/no/such/folder'], "ENOENT: no such file or directory, realpath '/no/such/folder'"],
  [['--port', 'abc'], 'The value of "options.port" is out of range'],
])('http-static.mjs %j fails with one line', async (args, line) => {
  ensureBuilt()
  const { code, stdout, stderr } = await run(process.execPath, [program, ...args])
  expect([code, stdout, stderr.trimEnd().split('\n')]).toEqual([1, '', [expect.stringContaining(line)]])
})
