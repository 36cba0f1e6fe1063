import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { Socket as SyncSocket } from '../../lib/sync'
import { failure, thrown } from '../helpers/errors'

const bytes = (text: string): Buffer => Buffer.from(text)

describe('sendfile closes its duplicate of the file', () => {
  const use = async (run: (file: number) => Promise<void> | void): Promise<void> => {
    const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
    writeFileSync(path.join(directory, 'f'), 'content')
    const file = openSync(path.join(directory, 'f'), 'r')
    const before = native.stats().slots
    await run(file)
    const after = native.stats().slots
    closeSync(file)
    rmSync(directory, { recursive: true })
    expect(after - before).toBe(0)
  }
  const closed = <T extends { close(): void }>(socket: T): T => {
    socket.close()
    return socket
  }

  test('when the socket is closed', () =>
    use(async file => {
      expect((await failure(closed(new Socket()).sendfile(file))).code).toBe('EBADF')
    }))

  test('when trySendfile fails on a closed socket', () =>
    use(file => {
      expect(thrown(() => closed(new Socket()).trySendfile(file)).code).toBe('EBADF')
    }))

  test('when a blocking sendfile fails on a closed socket', () =>
    use(file => {
      expect(thrown(() => closed(new SyncSocket()).sendfile(file)).code).toBe('EBADF')
    }))

  test('when trySendfile returns null because a write waits', async () => {
    const [a, b] = Socket.pair()
    while (a.trySend(Buffer.alloc(65536)) !== null);
    const waiting = failure(a.send(bytes('x')))
    await use(file => {
      expect(a.trySendfile(file)).toBeNull()
    })
    a.close()
    await waiting
    b.close()
  })
})
