import { spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createConnection,
  createServer,
  hasDualstackIPv6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  Socket,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  SO_REUSEADDR,
  SO_REUSEPORT,
} from '../../lib'
import { ensureDist, run, runNode } from '../helpers/child'
import { failure } from '../helpers/errors'
import { resolving } from '../helpers/hosts'
import { missing, testIf } from '../helpers/need'
import { abstractName, withPath } from '../helpers/pairs'

const six = missing.socket(AF_INET6, SOCK_STREAM)
const portOf = (socket: Socket): number => (socket.getsockname() as { port: number }).port
const permissions = (file: string): number => statSync(file).mode & 0o7777

/** Returns a path whose listening socket was closed without removing the path. */
function stale(file: string): void {
  new Socket(AF_UNIX).bind(file).listen().close()
}

describe('IP', () => {
  test('createServer without options listens on all addresses, a port chosen by the kernel, and SO_REUSEADDR', async () => {
    const server = await createServer()
    expect(server.getsockname().toJSON()).toMatchObject({ kind: 'inet', address: '0.0.0.0' })
    expect(portOf(server)).toBeGreaterThan(0)
    expect(server.getsockopt(SOL_SOCKET, SO_REUSEADDR)).toBe(1)
    expect(server.getsockopt(SOL_SOCKET, SO_REUSEPORT)).toBe(0)
    expect(server.getsockopt(SOL_SOCKET, SO_ACCEPTCONN)).toBe(1)
    server.close()
  })

  test('a port in use fails with EADDRINUSE and the address', async () => {
    const server = await createServer({ host: '127.0.0.1' })
    const port = portOf(server)
    expect(await failure(createServer({ host: '127.0.0.1', port }))).toMatchObject({
      code: 'EADDRINUSE',
      address: '127.0.0.1',
      port,
    })
    server.close()
  })

  test('several servers with reusePort share a port', async () => {
    const first = await createServer({ host: '127.0.0.1', reusePort: true })
    const port = portOf(first)
    const second = await createServer({ host: '127.0.0.1', port, reusePort: true })
    expect(second.getsockopt(SOL_SOCKET, SO_REUSEPORT)).toBe(1)
    expect(await failure(createServer({ host: '127.0.0.1', port }))).toMatchObject({ code: 'EADDRINUSE' })
    first.close()
    second.close()
  })

  testIf(six, 'dualstack sets IPV6_V6ONLY on or off', async () => {
    const only = await createServer({ host: '::' })
    expect(only.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)).toBe(1)
    const beside = await createServer({ host: '0.0.0.0', port: portOf(only) })
    beside.close()
    only.close()
    expect(hasDualstackIPv6()).toBe(true)
    const both = await createServer({ dualstack: true })
    expect(both.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY)).toBe(0)
    for (const host of ['127.0.0.1', '::1']) {
      const client = await createConnection({ host, port: portOf(both) })
      const accepted = await both.accept()
      expect(accepted.remoteAddress!.toString()).toContain(host)
      client.close()
      accepted.close()
    }
    both.close()
  })

  test('createServer passes the backlog to listen', async () => {
    const server = await createServer({ host: '127.0.0.1', backlog: 1 })
    server.close()
    expect(await failure(createServer({ backlog: 0.5 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  })

  testIf(missing.resolver(), 'createServer looks up a host name', async () => {
    const script = `
      const server = await b.createServer({ host: 'alias' })
      const { address } = server.getsockname()
      server.close()
      return [address, await failure(() => b.createServer({ host: 'nonexistent.invalid' }))]`
    expect(await resolving(script)).toMatchObject([
      expect.stringMatching(/^(127\.1\.0\.1|::2)$/),
      { code: 'EAI_NONAME', syscall: 'getaddrinfo' },
    ])
  })

  testIf(missing.root(), 'the error for a privileged port names the capability', async () => {
    const ended = await runNode(`
      process.setgroups([]); process.setgid(65534); process.setuid(65534)
      require('./dist').createServer({ host: '127.0.0.1', port: 1 }).catch(e => console.log(e.code, e.message))`)
    expect(ended.stdout).toMatch(/^EACCES bind EACCES 127\.0\.0\.1:1 \(.*CAP_NET_BIND_SERVICE\)\n$/)
  })
})

describe('AF_UNIX', () => {
  test('a closed server leaves its path, which makes the next bind fail', () =>
    withPath(async file => {
      const server = await createServer({ path: file })
      expect(server.getsockname().toJSON()).toEqual({ kind: 'unix', path: file })
      server.close()
      expect(lstatSync(file).isSocket()).toBe(true)
      expect(await failure(createServer({ path: file }))).toMatchObject({ code: 'EADDRINUSE', path: file })
    }))

  test('unlink: true removes a stale path', () =>
    withPath(async file => {
      stale(file)
      const server = await createServer({ path: file, unlink: true })
      const client = await createConnection({ path: file })
      client.close()
      server.close()
      expect(readdirSync(path.dirname(file))).toEqual(['s'])
    }))

  test('unlink: true keeps a path with a listener, even if its backlog is full', () =>
    withPath(async file => {
      const server = new Socket(AF_UNIX).bind(file).listen(0)
      const before = lstatSync(file).ino
      for (let i = 0; i < 3; i++) {
        expect(await failure(createServer({ path: file, unlink: true }))).toMatchObject({
          code: 'EADDRINUSE',
        })
      }
      expect(lstatSync(file).ino).toBe(before)
      const accepted = server.tryAccept()
      const client = new Socket(AF_UNIX)
      await client.connect(file)
      client.close()
      accepted?.close()
      server.close()
    }))

  test('unlink: true keeps a datagram socket and any other file', () =>
    withPath(async file => {
      const datagrams = new Socket(AF_UNIX, SOCK_DGRAM).bind(file)
      expect(await failure(createServer({ path: file, unlink: true }))).toMatchObject({ code: 'EADDRINUSE' })
      const sender = new Socket(AF_UNIX, SOCK_DGRAM)
      await sender.sendto(Buffer.from('x'), file)
      sender.close()
      datagrams.close()
      const [regular, directory, link] = [`${file}r`, `${file}d`, `${file}l`]
      writeFileSync(regular, 'mine')
      mkdirSync(directory)
      stale(`${file}t`)
      symlinkSync(`${file}t`, link)
      for (const each of [regular, directory, link]) {
        expect(await failure(createServer({ path: each, unlink: true }))).toMatchObject({
          code: 'EADDRINUSE',
        })
        expect(existsSync(each)).toBe(true)
      }
      expect(lstatSync(link).isSymbolicLink()).toBe(true)
    }))

  test('unlink: true keeps a path on which another process starts to listen between the probe and the removal', () =>
    withPath(async file => {
      // The path is stale at the probe. Then another process binds it. The test hooks the rename that follows the
      // probe.
      stale(file)
      const ended = await runNode(`
        const fs = require('node:fs')
        const { createServer } = require('./dist')
        const file = ${JSON.stringify(file)}
        const rename = fs.renameSync
        let other
        fs.renameSync = (from, to) => {
          fs.unlinkSync(file)
          other = new Socket(c.AF_UNIX).bind(file).listen()
          rename(from, to)
        }
        createServer({ path: file, unlink: true }).then(() => console.log('took it'), async error => {
          const client = new Socket(c.AF_UNIX)
          await client.connect(file)
          const accepted = await other.accept()
          console.log(error.code, accepted.fd > 0, fs.readdirSync(require('node:path').dirname(file)))
          for (const each of [client, accepted, other]) each.close()
        })`)
      expect(ended).toMatchObject({ stderr: '', stdout: "EADDRINUSE true [ 's' ]\n" })
    }))

  test('one of six processes that replace a stale path gets it, and keeps it', () =>
    withPath(async file => {
      ensureDist()
      stale(file)
      // The losers report to the winner through its socket, which works only while the winner has the path.
      const script = `
        const { createServer, createConnection } = require('./dist')
        const path = ${JSON.stringify(file)}
        createServer({ path, unlink: true }).then(async server => {
          console.log('mine')
          for (let told = 0; told < 5;) {
            const connection = await server.accept()
            if ((await connection.recv(1)).length > 0) told++ // a probe sends no data
            connection.close()
          }
          server.close()
        }, async error => {
          console.log(error.code)
          const connection = await createConnection({ path })
          await connection.send(Buffer.from('x'))
          connection.close()
        })`
      const ended = await Promise.all(Array.from({ length: 6 }, () => run(process.execPath, ['-e', script])))
      expect(ended.map(each => each.stderr)).toEqual(ended.map(() => ''))
      const said = ended.map(each => each.stdout.trim()).sort()
      expect(said).toEqual(['EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE', 'mine'])
      expect(readdirSync(path.dirname(file))).toEqual(['s'])
    }))

  test('a server with an abstract name leaves no path', async () => {
    const name = abstractName()
    const server = await createServer({ path: name, unlink: true, mode: 0o600 })
    expect(await failure(createServer({ path: name, unlink: true }))).toMatchObject({ code: 'EADDRINUSE' })
    server.close()
  })

  test.each([0o600, 0o660, 0o666, 0o000, 0o777])(
    'createServer with mode %i sets these permissions, regardless of the umask',
    async mode => {
      for (const mask of [0o000, 0o022, 0o077, 0o777]) {
        await withPath(async file => {
          const before = process.umask(mask)
          try {
            const server = await createServer({ path: file, mode })
            expect(permissions(file)).toBe(mode)
            server.close()
          } finally {
            process.umask(before)
          }
        })
      }
    },
  )

  test('createServer without a mode uses the umask', () =>
    withPath(async file => {
      const before = process.umask(0o027)
      try {
        ;(await createServer({ path: file })).close()
        expect(permissions(file)).toBe(0o750)
      } finally {
        process.umask(before)
      }
    }))

  testIf(missing.strace(), 'the path never has wider permissions than its mode', () =>
    withPath(async file => {
      ensureDist()
      const script = `process.umask(0); require('./dist').createServer({ path: ${JSON.stringify(file)}, mode: 0o600 }).then(s => s.close())`
      const traced = spawnSync(
        'strace',
        ['-f', '-e', 'trace=bind,fchmod,chmod,fchmodat,?fchmodat2,listen', process.execPath, '-e', script],
        { encoding: 'utf8' },
      )
      const calls = traced.stderr
        .split('\n')
        .map(line => /\b(fchmod|chmod|fchmodat2?|bind|listen)\((.*)/.exec(line))
        .filter(match => match !== null && (match[1] !== 'bind' || match[2]!.includes(file)))
        .map(match => match![1])
      expect(calls).toEqual(['fchmod', 'bind', 'listen'])
      expect(permissions(file)).toBe(0o600)
    }),
  )

  testIf(missing.root(), 'another user cannot connect to a path with a restrictive mode', () =>
    withPath(async file => {
      spawnSync('chmod', ['755', path.dirname(file)])
      const server = await createServer({ path: file, mode: 0o600 })
      const ended = await runNode(`
        process.setgroups([]); process.setgid(65534); process.setuid(65534)
        require('./dist').createConnection({ path: ${JSON.stringify(file)} }).catch(e => console.log(e.code))`)
      expect(ended.stdout).toBe('EACCES\n')
      server.close()
    }),
  )

  test('createServer removes its path if it fails after bind', () =>
    withPath(async file => {
      expect(await failure(createServer({ path: `${file}/none` }))).toMatchObject({ code: 'ENOENT' })
      expect(await failure(createServer({ path: file, mode: 0o10000 }))).toMatchObject({
        code: 'ERR_OUT_OF_RANGE',
      })
      expect(existsSync(file)).toBe(false)
    }))

  test('unlink: true keeps a hard link to a stale socket', () =>
    withPath(async file => {
      stale(file)
      linkSync(file, `${file}2`)
      ;(await createServer({ path: file, unlink: true })).close()
      expect(lstatSync(`${file}2`).isSocket()).toBe(true)
    }))

  test('createServer rejects invalid arguments', async () => {
    for (const bad of [
      null,
      7,
      { host: 7 },
      { port: '1' },
      { path: 7 },
      { path: 'x', port: 1 },
      { path: 'x', mode: '600' },
    ]) {
      expect(await failure(createServer(bad as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const bad of [
      { port: -1 },
      { port: 65536 },
      { path: 'x'.repeat(108), unlink: true },
      { path: 'x', mode: -1 },
    ]) {
      expect(await failure(createServer(bad))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    }
    expect(await failure(createServer({ path: 'a\0b', unlink: true }))).toMatchObject({
      code: 'ERR_INVALID_ADDRESS',
    })
  })
})

test('createServer without dualstack creates an AF_INET socket', async () => {
  const server = await createServer({ host: '127.0.0.1' })
  expect(server.family).toBe(AF_INET)
  server.close()
})

test.each([
  ['host', '127.0.0.1'],
  ['port', 1],
  ['family', 2],
  ['reusePort', true],
  ['dualstack', true],
])('a path and %s together are an error that names both', async (name, value) => {
  await withPath(async path => {
    const error = await failure(createServer({ path, [name]: value } as never))
    expect([error.code, error.message]).toEqual(['ERR_INVALID_ARG_TYPE', expect.stringContaining(name)])
    expect(error.message).toContain('options.path')
    expect(existsSync(path)).toBe(false)
  })
})

test.each([
  ['mode', 0o600],
  ['unlink', true],
])('%s without a path is an error that names it', async (name, value) => {
  const error = await failure(createServer({ port: 0, [name]: value } as never))
  expect([error.code, error.message]).toEqual([
    'ERR_INVALID_ARG_TYPE',
    expect.stringContaining(`options.${name}`),
  ])
})
