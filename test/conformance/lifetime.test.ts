import { closeSync, openSync } from 'node:fs'
import { MessageChannel } from 'node:worker_threads'
import { inspect } from 'node:util'
import {
  AF_INET,
  AF_UNIX,
  getDefaultTimeout,
  setDefaultTimeout,
  SHUT_RDWR,
  SO_SNDBUF,
  Socket,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from '../../lib'
import { native } from '../../lib/binding/binding'
import { Socket as SyncSocket } from '../../lib/sync'
import { runNode } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'

const bytes = (text: string): Buffer => Buffer.from(text)

describe('adopt, detach, dup', () => {
  test('detach and adopt keep the connection, the type and the data', async () => {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      const [a, b] = Socket.pair(AF_UNIX, type)
      await a.send(bytes('before'))
      const fd = b.detach()
      expect([b.fd, b.closed, b.detach()]).toEqual([-1, true, -1])
      b.close()
      expect((await failure(b.recv(1))).code).toBe('EBADF')
      const again = Socket.adopt(fd)
      expect([again.fd, again.family, again.type]).toEqual([fd, AF_UNIX, type])
      expect(String(await again.recv(10))).toBe('before')
      const waiting = again.recv(10)
      await a.send(bytes('after'))
      expect(String(await waiting)).toBe('after')
      again.close()
      a.close()
    }
  })

  test('a socket that waited before can be detached, and the new owner can wait again', async () => {
    const [a, b] = Socket.pair()
    expect((await failure(b.recv(1, { timeout: 1 }))).code).toBe('ERR_SOCKET_TIMEOUT')
    const sync = SyncSocket.adopt(b.detach())
    await a.send(bytes('sync'))
    expect(String(sync.recv(10))).toBe('sync')
    const back = Socket.adopt(sync.detach())
    const waiting = back.recv(10)
    await a.send(bytes('back'))
    expect(String(await waiting)).toBe('back')
    back.close()
    a.close()
  })

  test('dup makes a second socket on the same connection, which is closed separately', async () => {
    const [a, b] = Socket.pair()
    b.timeout = 1234
    const copy = b.dup()
    expect(copy.fd).not.toBe(b.fd)
    expect([copy.timeout, copy.getInheritable()]).toEqual([1234, false])
    const waiting = [copy.recv(10), failure(b.recv(10))] as const
    b.close()
    expect((await waiting[1]).code).toBe('ECANCELED')
    await a.send(bytes('copy'))
    expect(String(await waiting[0])).toBe('copy')
    copy.close()
    expect((await a.recv(1)).length).toBe(0)
    expect(thrown(() => copy.dup()).code).toBe('EBADF')
    a.close()
  })

  test('adopt and dup refuse a descriptor that is no socket, and do not close it', () => {
    const file = openSync('/dev/null', 'r')
    expect(thrown(() => Socket.adopt(file)).code).toBe('ENOTSOCK')
    expect(thrown(() => Socket.dup(file)).code).toBe('ENOTSOCK')
    closeSync(file) // throws EBADF if adopt or dup closed the file
    expect(thrown(() => Socket.adopt(file)).code).toBe('EBADF')
    expect(thrown(() => Socket.dup(file)).code).toBe('EBADF')
    expect(thrown(() => Socket.adopt(-1)).code).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => Socket.adopt('3' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('an adopted descriptor never blocks, even if O_NONBLOCK is cleared', async () => {
    const fds = new Int32Array(2)
    expect(native.raw.socketpair(AF_UNIX, 1, 0, fds)).toBe(0)
    expect(native.raw.fcntl(fds[1]!, 4, 0)).toBe(0) // F_SETFL without O_NONBLOCK
    const [a, b] = [Socket.adopt(fds[0]!), Socket.adopt(fds[1]!)]
    expect(b.tryRecv(1)).toBeNull()
    native.raw.fcntl(b.fd, 4, 0) // as another holder of the same open socket may do
    expect(b.tryRecv(1)).toBeNull()
    expect((await failure(b.recv(1, { timeout: 5 }))).code).toBe('ERR_SOCKET_TIMEOUT')
    a.close()
    b.close()
  })
})

describe('a Socket object', () => {
  test('is not inheritable by default, and setInheritable changes that', () => {
    const socket = new Socket()
    expect(socket.getInheritable()).toBe(false)
    socket.setInheritable(true)
    expect(socket.getInheritable()).toBe(true)
    socket.setInheritable(false)
    expect(socket.getInheritable()).toBe(false)
    expect(thrown(() => socket.setInheritable(1 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    socket.close()
    expect(thrown(() => socket.getInheritable()).code).toBe('EBADF')
  })

  test('shows its descriptor, family, type and addresses when it is inspected', () => {
    const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    const { fd } = socket
    expect(inspect(socket)).toBe(
      `Socket { fd: ${fd}, family: 'AF_INET', type: 'SOCK_DGRAM', protocol: 0, local: '${String(socket.localAddress)}', remote: null }`,
    )
    expect(JSON.parse(JSON.stringify(socket))).toMatchObject({ fd, type: 'SOCK_DGRAM' })
    socket.close()
    expect(inspect(socket)).toMatch(/^Socket \[closed\] \{ fd: -1,/)
  })

  test('can be neither cloned nor posted to another thread', () => {
    const socket = new Socket()
    const { port1, port2 } = new MessageChannel()
    for (const call of [
      () => structuredClone(socket),
      () => port1.postMessage(socket),
      () => port1.postMessage({ socket }),
    ]) {
      expect(thrown(call).name).toBe('DataCloneError')
    }
    port1.close()
    port2.close()
    socket.close()
  })

  test('closes at the end of its scope', async () => {
    const one = new Socket()
    one[Symbol.dispose]()
    const two = new Socket()
    await two[Symbol.asyncDispose]()
    expect([one.closed, two.closed]).toEqual([true, true])
  })

  test('takes the default timeout when it is made, also if accept makes it', async () => {
    expect(getDefaultTimeout()).toBeNull()
    setDefaultTimeout(15)
    try {
      const listener = new Socket().bind(['127.0.0.1', 0]).listen()
      const client = new Socket()
      const [peer] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
      expect([listener.timeout, client.timeout, peer.timeout]).toEqual([15, 15, 15])
      expect((await failure(peer.recv(1))).code).toBe('ERR_SOCKET_TIMEOUT')
      setDefaultTimeout(null)
      expect(client.timeout).toBe(15)
      for (const socket of [peer, client, listener]) socket.close()
    } finally {
      setDefaultTimeout(null)
    }
    for (const bad of [-1, NaN, Infinity])
      expect(thrown(() => setDefaultTimeout(bad)).code).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => setDefaultTimeout('1' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
  })
})

describe('in a separate process', () => {
  test('a socket keeps the process alive while it waits, unless it is unref’d, and an idle socket does not', async () => {
    const idle = await runNode(`
      const [a, b] = Socket.pair()
      b.recv(1).then(() => { globalThis.kept = new Socket(); console.log('idle') })
      a.trySend(Buffer.of(1))
    `)
    expect(idle).toMatchObject({ code: 0, signal: null, stdout: 'idle\n', stderr: '' })
    const unref = await runNode(`
      const [a, b] = Socket.pair()
      b.unref().recv(1, { timeout: 60000 })
      b.recv(2)
      process.on('exit', () => console.log('bye'))
    `)
    expect(unref).toMatchObject({ code: 0, stdout: 'bye\n', stderr: '' })
    const waits = await runNode(`
      const [a, b] = Socket.pair()
      b.unref()
      b.recv(1).then(() => console.log('got it'))
      b.ref()
      setTimeout(() => a.trySend(Buffer.of(1)), 50).unref()
    `)
    // Only the waiting socket keeps the process alive: the timer that sends is unref'd.
    expect(waits).toMatchObject({ code: 0, stdout: 'got it\n', stderr: '' })
  })

  test('a socket that is collected while open is closed with a warning, and a socket that waits is not collected', async () => {
    const ended = await runNode(
      `
      const { setTimeout: sleep } = require('node:timers/promises')
      const fs = require('node:fs')
      const seen = []
      process.on('warning', warning => seen.push(warning.name + ' ' + warning.code))
      let received = ''
      function lose() {
        const [a, b] = Socket.pair()
        const lost = new Socket()
        b.recv(10).then(data => (received = String(data)))
        return [lost.fd, b.fd, a]
      }
      async function main() {
        const [lost, waiting, a] = lose()
        for (let i = 0; i < 50 && seen.length === 0; i++) { gc(); await sleep(2) }
        for (let i = 0; i < 5; i++) { gc(); await sleep(2) }
        console.log(seen.join(), fs.existsSync('/proc/self/fd/' + lost), fs.existsSync('/proc/self/fd/' + waiting))
        a.trySend(Buffer.from('alive'))
        await sleep(10)
        console.log(received)
        a.close()
        process.exit()
      }
      main()
    `,
      { flags: ['--expose-gc', '--no-warnings'] },
    )
    expect(ended).toMatchObject({ code: 0, stdout: 'ResourceWarning SOCKET_NOT_CLOSED false true\nalive\n' })
  })
})

test('close() throws EBADF once if other code has closed the file descriptor', () => {
  const socket = new Socket()
  native.closeFd(socket.fd)
  expect(thrown(() => socket.close()).code).toBe('EBADF')
  expect([socket.closed, socket.fd]).toEqual([true, -1])
  socket.close()
})

test('a connection that is shut down in both directions closes once', async () => {
  const [a, b] = Socket.pair()
  a.shutdown(SHUT_RDWR)
  expect((await b.recv(1)).length).toBe(0)
  expect((await failure(b.send(bytes('x')))).code).toBe('EPIPE')
  b.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
  a.close()
  b.close()
})
