import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_INET, AF_UNIX, serve, Socket } from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { nodeBinary } from '../helpers/child'
import { failure, outcome, thrown } from '../helpers/errors'
import { testIf } from '../helpers/need'
import { abstractName, fill, turn } from '../helpers/pairs'
import { clearing, HELD, longestStall, needsPython } from '../helpers/stalls'

/*
 * O_NONBLOCK belongs to the open file, so every process that holds it can clear the flag, once or continuously.
 * Even then no call may block the event loop, and timeouts, signals and close() must work.
 */
jest.setTimeout(30000)

const ways = ['once', 'continuously'] as const
const families = [
  ['TCP', AF_INET],
  ['AF_UNIX', AF_UNIX],
] as const

const listen = (family: number): Socket =>
  new Socket(family).bind(family === AF_INET ? ['127.0.0.1', 0] : abstractName()).listen()

/** Makes an AF_UNIX listening socket whose backlog is full. */
function fullListener(): { listener: Socket; clients: Socket[] } {
  const listener = new Socket(AF_UNIX).bind(abstractName()).listen(0)
  const clients: Socket[] = []
  for (;;) {
    const client = new Socket(AF_UNIX)
    clients.push(client)
    if (client.tryConnect(listener.getsockname()) === null) return { listener, clients }
  }
}

for (const how of ways) {
  for (const [name, family] of families) {
    testIf(
      needsPython,
      `${name} accept does not block when another process clears O_NONBLOCK ${how}`,
      async () => {
        const listener = listen(family)
        const holder = clearing(listener.fd, how)
        await holder.ready
        const stall = await longestStall(async () => {
          expect(listener.tryAccept()).toBeNull()
          expect((await failure(listener.accept({ timeout: 50 }))).code).toBe('ERR_SOCKET_TIMEOUT')
          const signal = AbortSignal.timeout(50)
          expect((await failure(listener.accept({ signal }))).name).toBe('AbortError')
          for (let i = 0; i < 20; i++) {
            const accepting = listener.accept()
            const client = new Socket(family)
            await client.connect(listener.getsockname())
            ;(await accepting).close()
            client.close()
          }
          const waiting = failure(listener.accept())
          await turn()
          listener.close()
          expect((await waiting).code).toBe('ECANCELED')
        })
        expect(stall).toBeLessThan(HELD)
        await holder.end()
      },
    )
  }

  testIf(needsPython, `serve does not block when another process clears O_NONBLOCK ${how}`, async () => {
    const listener = listen(AF_INET)
    const holder = clearing(listener.fd, how)
    await holder.ready
    const server = serve(listener, socket => socket.close())
    const stall = await longestStall(async () => {
      for (let i = 0; i < 20; i++) {
        const client = new Socket()
        await client.connect(listener.getsockname())
        expect(await client.recv(1)).toHaveLength(0)
        client.close()
      }
      await server.close()
    })
    expect(stall).toBeLessThan(HELD)
    await holder.end()
  })

  testIf(
    needsPython,
    `a hundred sockets do not stall the event loop longer than one, when another process clears O_NONBLOCK ${how}`,
    async () => {
      const listeners = Array.from({ length: 100 }, () => listen(AF_UNIX))
      const holder = clearing(
        listeners.map(({ fd }) => fd),
        how,
      )
      await holder.ready
      const codes: string[] = []
      const stall = await longestStall(async () => {
        for (let i = 0; i < 2; i++)
          codes.push(...(await Promise.all(listeners.map(each => outcome(each.accept({ timeout: 50 }))))))
      })
      expect(new Set(codes)).toEqual(new Set(['ERR_SOCKET_TIMEOUT']))
      expect(stall).toBeLessThan(HELD)
      const clients = listeners.map(() => new Socket(AF_UNIX))
      const accepting = listeners.map(each => each.accept({ timeout: 5000 }))
      await Promise.all(clients.map((each, i) => each.connect(listeners[i]!.getsockname())))
      const accepted = await Promise.all(accepting)
      await holder.end()
      for (const socket of [...listeners, ...clients, ...accepted]) socket.close()
    },
  )

  testIf(
    needsPython,
    `the blocking accept keeps its timeout when another process clears O_NONBLOCK ${how}`,
    async () => {
      const listener = new SyncSocket(AF_INET).bind(['127.0.0.1', 0]).listen()
      const holder = clearing(listener.fd, how)
      await holder.ready
      expect(thrown(() => listener.accept({ timeout: 50 })).code).toBe('ERR_SOCKET_TIMEOUT')
      expect(listener.tryAccept()).toBeNull()
      listener.close()
      await holder.end()
    },
  )

  testIf(
    needsPython,
    `AF_UNIX connect to a full backlog does not block when another process clears O_NONBLOCK ${how}`,
    async () => {
      const { listener, clients } = fullListener()
      const client = new Socket(AF_UNIX)
      const holder = clearing(client.fd, how)
      await holder.ready
      const address = listener.getsockname()
      const stall = await longestStall(async () => {
        expect(client.tryConnect(address)).toBeNull()
        expect((await failure(client.connect(address, { timeout: 50 }))).code).toBe('ERR_SOCKET_TIMEOUT')
        const signal = AbortSignal.timeout(50)
        expect((await failure(client.connect(address, { signal }))).name).toBe('AbortError')
        client.close()
      })
      expect(stall).toBeLessThan(HELD)
      await holder.end()
      for (const socket of [listener, ...clients]) socket.close()
    },
  )

  testIf(
    needsPython,
    `the blocking connect keeps its timeout when another process clears O_NONBLOCK ${how}`,
    async () => {
      const { listener, clients } = fullListener()
      const client = new SyncSocket(AF_UNIX)
      const holder = clearing(client.fd, how)
      await holder.ready
      const error = thrown(() => client.connect(listener.getsockname(), { timeout: 50 }))
      expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
      await holder.end()
      for (const socket of [listener, client, ...clients]) socket.close()
    },
  )

  for (const kind of ['sendfile', 'splice'] as const) {
    testIf(
      needsPython,
      `${kind} to a full socket does not block when another process clears O_NONBLOCK ${how}`,
      async () => {
        const folder = mkdtempSync(path.join(tmpdir(), 'bsd-'))
        const name = path.join(folder, 'file')
        writeFileSync(name, Buffer.alloc(1 << 20, 'f'))
        const file = openSync(name, 'r')
        const listener = listen(AF_INET)
        const a = new Socket()
        const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
        const [from, source] = Socket.pair()
        await from.send(Buffer.alloc(1000))
        const holder = clearing(a.fd, how)
        await holder.ready
        fill(a)
        const move = (op: { timeout?: number; signal?: AbortSignal }): Promise<number> =>
          kind === 'sendfile' ? a.sendfile(file, op) : source.splice(a, op)
        const stall = await longestStall(async () => {
          if (kind === 'sendfile') expect(a.trySendfile(file) ?? 0).toBeLessThan(1 << 20)
          fill(a)
          expect((await failure(move({ timeout: 50 }))).code).toBe('ERR_SOCKET_TIMEOUT')
          expect((await failure(move({ signal: AbortSignal.timeout(50) }))).name).toBe('AbortError')
          const waiting = failure(move({}))
          await turn()
          a.close()
          expect((await waiting).code).toBe('ECANCELED')
        })
        expect(stall).toBeLessThan(HELD)
        await holder.end()
        for (const socket of [listener, b, from, source]) socket.close()
        closeSync(file)
        rmSync(folder, { recursive: true })
      },
    )
  }

  testIf(
    needsPython,
    `blocking transfers keep their timeout when another process clears O_NONBLOCK ${how}`,
    async () => {
      const listener = new SyncSocket(AF_INET).bind(['127.0.0.1', 0]).listen()
      const a = new SyncSocket(AF_INET)
      a.connect(listener.getsockname())
      const b = listener.accept()
      const holder = clearing(a.fd, how)
      await holder.ready
      const file = openSync(nodeBinary, 'r') // larger than any buffer
      while (a.trySend(Buffer.alloc(65536)) !== null);
      expect(thrown(() => a.sendfile(file, { timeout: 50 })).code).toBe('ERR_SOCKET_TIMEOUT')
      const [from, source] = SyncSocket.pair()
      from.send(Buffer.alloc(1000))
      expect(thrown(() => source.splice(a, { timeout: 50 })).code).toBe('ERR_SOCKET_TIMEOUT')
      expect(thrown(() => a.splice(source, { timeout: 50 })).code).toBe('ERR_SOCKET_TIMEOUT')
      await holder.end()
      for (const socket of [listener, a, b, from, source]) socket.close()
      closeSync(file)
    },
  )

  testIf(
    needsPython,
    `splice from an idle TCP socket does not block when another process clears O_NONBLOCK ${how}`,
    async () => {
      const listener = listen(AF_INET)
      const a = new Socket()
      const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
      const [to, end] = Socket.pair()
      const holder = clearing(a.fd, how)
      await holder.ready
      const stall = await longestStall(async () => {
        expect((await failure(a.splice(to, { timeout: 50 }))).code).toBe('ERR_SOCKET_TIMEOUT')
        await b.send(Buffer.from('hello'))
        expect(await a.splice(to, { length: 5 })).toBe(5)
        expect(String(await end.recv(10))).toBe('hello')
      })
      expect(stall).toBeLessThan(HELD)
      await holder.end()
      for (const socket of [listener, a, b, to, end]) socket.close()
    },
  )
}
