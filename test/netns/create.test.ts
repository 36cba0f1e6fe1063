import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spawnSync } from 'node:child_process'
import { AF_INET, constants, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import type { Socket as SyncSocket } from '../../lib/sync'
import { runNode } from '../helpers/child'
import { thrown } from '../helpers/errors'
import { flavours } from '../helpers/flavours'
import { missing, testIf } from '../helpers/need'
import { makeNamespace, type Namespace } from '../helpers/network'

const { SOL_SOCKET, SO_NETNS_COOKIE } = constants
const none = missing.network()
const linux = missing.linux()

/** Returns the cookie of the socket's network namespace. */
const cookie = (socket: Socket | SyncSocket): string =>
  socket.getsockopt(SOL_SOCKET!, SO_NETNS_COOKIE!, 8).toString('hex')

describe.each(flavours)('options.netns of %s', (_, Flavour) => {
  const make = (netns: unknown): Socket | SyncSocket =>
    new Flavour(AF_INET, SOCK_DGRAM, 0, { netns: netns as string })
  let other: Namespace
  beforeAll(async () => {
    if (none === null) other = await makeNamespace()
  })
  afterAll(() => other?.close())

  testIf(
    none,
    'a socket is made in the namespace of a path, and the thread stays in its own namespace',
    () => {
      const before = readlinkSync('/proc/thread-self/ns/net')
      const there = make(other.netns)
      const here = new Flavour(AF_INET, SOCK_DGRAM)
      expect(cookie(there)).not.toBe(cookie(here))
      expect(readlinkSync('/proc/thread-self/ns/net')).toBe(before)
      expect(there).toMatchObject({ family: AF_INET, type: SOCK_DGRAM, protocol: 0 })
      expect(there.getInheritable()).toBe(false)
      here.close()
      there.close()
    },
  )

  testIf(none, 'a socket is made in the namespace of a descriptor, which stays open', () => {
    const fd = openSync(other.netns, 'r')
    const [one, two] = [make(fd), make(fd)]
    expect(cookie(one)).toBe(cookie(two))
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toMatch(/^net:/)
    for (const socket of [one, two]) socket.close()
    closeSync(fd)
  })

  testIf(none, 'a socket is made in a namespace named by ip netns', () => {
    const name = `bsd-sockets-${process.pid}`
    expect(spawnSync('ip', ['netns', 'attach', name, String(other.holder.pid)]).status).toBe(0)
    try {
      const [byName, byPath] = [make(name), make(other.netns)]
      expect(cookie(byName)).toBe(cookie(byPath))
      byName.close()
      byPath.close()
    } finally {
      spawnSync('ip', ['netns', 'delete', name])
    }
  })

  testIf(linux, 'a path that does not exist is ENOENT of open', () => {
    expect(thrown(() => make('no-such-name'))).toMatchObject({
      name: 'SocketError',
      code: 'ENOENT',
      syscall: 'open',
      path: '/run/netns/no-such-name',
      message: 'open ENOENT /run/netns/no-such-name',
    })
    expect(thrown(() => make('/proc/0/ns/net'))).toMatchObject({ code: 'ENOENT', path: '/proc/0/ns/net' })
  })

  testIf(none, 'a file that is no network namespace is EINVAL of setns', () => {
    for (const file of ['/proc/self/ns/uts', '/proc/self/status', '/']) {
      expect(thrown(() => make(file))).toMatchObject({ code: 'EINVAL', syscall: 'setns', path: file })
    }
    expect(thrown(() => make('/'))).toHaveProperty(
      'message',
      'setns EINVAL / (that is not a network namespace)',
    )
    const [a, b] = Socket.pair()
    expect(thrown(() => make(a.fd))).toMatchObject({ code: 'EINVAL', syscall: 'setns' })
    a.close()
    b.close()
    expect(thrown(() => make(0x7fffffff))).toMatchObject({ code: 'EBADF', syscall: 'setns' })
  })

  testIf(none, 'a FIFO as a path does not block', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
    const fifo = path.join(directory, 'fifo')
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0)
    expect(thrown(() => make(fifo))).toMatchObject({ code: 'EINVAL', syscall: 'setns' })
    rmSync(directory, { recursive: true })
  })

  testIf(none, 'an error of socket(2) in the namespace is reported as such', () => {
    const refused = (): unknown => new Flavour(AF_INET, SOCK_STREAM, 255, { netns: other.netns })
    expect(thrown(refused)).toMatchObject({ code: 'EPROTONOSUPPORT', syscall: 'socket' })
  })

  testIf(linux, 'invalid values are refused before any system call', () => {
    for (const bad of [true, {}, null, Buffer.from('x'), 1n]) {
      expect(thrown(() => make(bad))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const bad of ['', 'a\0b', -1, 1.5, NaN, 2 ** 31]) {
      expect(thrown(() => make(bad))).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
      expect(thrown(() => make(bad)).message).toContain('options.netns')
    }
    make(undefined).close()
  })
})

testIf(none, 'a thousand sockets in another namespace leave no thread and no descriptor', async () => {
  const other = await makeNamespace()
  const ended = await runNode(`
    const fs = require('node:fs')
    const count = what => fs.readdirSync('/proc/self/' + what).length
    const make = () => new Socket(c.AF_INET, c.SOCK_STREAM, 0, { netns: ${JSON.stringify(other.netns)} }).close()
    make()
    const before = [count('fd'), count('task')]
    for (let i = 0; i < 1000; i++) make()
    assert.deepStrictEqual([count('fd'), count('task')], before)
  `)
  await other.close()
  expect(ended).toMatchObject({ code: 0, stderr: '' })
})

testIf(
  missing.root() ?? none ?? missing.prlimit(),
  'if no thread can be created, the error is EAGAIN of pthread_create',
  async () => {
    const ended = await runNode(
      `
    const { execFileSync } = require('node:child_process')
    process.setgroups([]); process.setgid(54321); process.setuid(54321)
    const [a, b] = Socket.pair()
    a.recv(1, { timeout: 1 }).catch(() => {
      execFileSync('prlimit', ['--nproc=1:1', '--pid', String(process.pid)])
      assert.throws(() => new Socket(c.AF_INET, c.SOCK_STREAM, 0, { netns: '/proc/self/ns/net' }), {
        code: 'EAGAIN', syscall: 'pthread_create' })
      a.close(); b.close()
    })
  `,
    )
    expect(ended).toMatchObject({ code: 0, stderr: '' })
  },
)

testIf(missing.root() ?? none, 'without CAP_SYS_ADMIN the error names the capability', async () => {
  const ended = await runNode(`
    process.setgroups([]); process.setgid(65534); process.setuid(65534)
    assert.throws(() => new Socket(c.AF_INET, c.SOCK_STREAM, 0, { netns: '/proc/self/ns/net' }), {
      code: 'EPERM', syscall: 'setns', path: '/proc/self/ns/net', message: /CAP_SYS_ADMIN/ })
  `)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
})
