/*
 * A send passes the open file that its descriptor referred to at the call. This holds even if the send waits,
 * and the caller closes the descriptor and its number is used again.
 */
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_UNIX, control, Socket, SOCK_DGRAM, SOCK_SEQPACKET, type FdHandle } from '../../lib'
import { missing, testIf } from '../helpers/need'
import { failure } from '../helpers/errors'

let folder: string
let right: string
let wrong: string

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'in-flight-'))
  right = path.join(folder, 'right')
  wrong = path.join(folder, 'wrong')
  writeFileSync(right, 'right')
  writeFileSync(wrong, 'wrong!')
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Closes a descriptor and opens another file with the same number. */
function replace(fd: number): number {
  closeSync(fd)
  const other = openSync(wrong, 'r')
  expect(other).toBe(fd)
  return other
}

function sizeAndClose(handle: FdHandle): number {
  const { size } = fstatSync(handle.fd)
  handle.close()
  return size
}

type Send = (socket: Socket, fd: number) => Promise<number>
const sends: [string, Send][] = [
  ['sendFds', (socket, fd) => socket.sendFds(Buffer.from('d'), [fd])],
  ['sendmsg', (socket, fd) => socket.sendmsg({ data: Buffer.from('d'), control: [control.rights([fd])] })],
]

describe.each(sends)('%s', (_name, send) => {
  test('the file of the call is sent if the send waits behind another send', async () => {
    const [a, b] = Socket.pair()
    const large = a.sendAll(Buffer.alloc(1 << 22))
    const fd = openSync(right, 'r')
    const sent = send(a, fd)
    const other = replace(fd)
    let size = 0
    for (let left = 1 << 22; left > 0;) left -= (await b.recv(left)).length
    await large
    const { fds } = await b.recvFds(10, 1)
    size = sizeAndClose(fds[0]!)
    await sent
    expect(size).toBe(5)
    closeSync(other)
    a.close()
    b.close()
  })

  test('the file of the call is sent if the send waits because the peer does not read', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    while (a.trySend(Buffer.alloc(1)) !== null) continue
    const fd = openSync(right, 'r')
    const sent = send(a, fd)
    const other = replace(fd)
    for (;;) {
      const { data, fds } = await b.recvFds(1, 1)
      if (fds.length === 0 && String(data) !== 'd') continue
      expect(sizeAndClose(fds[0]!)).toBe(5)
      break
    }
    expect(await sent).toBe(1)
    closeSync(other)
    a.close()
    b.close()
  })

  test('the file of the call is sent if a turn of the event loop ends before the send', async () => {
    const [a, b] = Socket.pair()
    const sent: Promise<number>[] = []
    for (let i = 0; i < 100; i++) {
      const fd = openSync(right, 'r')
      sent.push(send(a, fd))
      closeSync(replace(fd))
    }
    await Promise.all(sent)
    for (let i = 0; i < 100; i++) {
      const { fds } = await b.recvFds(1, 1)
      expect(sizeAndClose(fds[0]!)).toBe(5)
    }
    a.close()
    b.close()
  })

  test('a descriptor that is not open fails its send and no other', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_SEQPACKET)
    while (a.trySend(Buffer.alloc(1)) !== null) continue
    const before = a.send(Buffer.from('before'))
    expect(await failure(send(a, 0x7ffffff))).toMatchObject({ code: 'EBADF' })
    const after = a.send(Buffer.from('after'))
    let last = ''
    while (last !== 'after') last = String(await b.recv(10))
    await Promise.all([before, after])
    a.close()
    b.close()
  })

  test('a cancelled send closes its duplicates', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    while (a.trySend(Buffer.alloc(1)) !== null) continue
    const fd = openSync(right, 'r')
    const abort = new AbortController()
    const sent = Promise.allSettled([
      a.sendFds(Buffer.from('d'), [fd, fd], { signal: abort.signal }),
      a.sendmsg({ data: Buffer.from('d'), control: [control.rights([fd])] }, { timeout: 1 }),
      a.sendFds(Buffer.from('d'), [fd]),
    ])
    abort.abort()
    a.close()
    expect((await sent).map(each => each.status)).toEqual(['rejected', 'rejected', 'rejected'])
    closeSync(fd) // helpers/setup.ts counts the descriptors after this file, which shows whether a duplicate is left
    b.close()
  })
})

testIf(missing.linux(), 'a getter of a descriptor is read once', async () => {
  const [a, b] = Socket.pair()
  const fd = openSync(right, 'r')
  const other = openSync(wrong, 'r')
  let reads = 0
  const file = {
    get fd(): number {
      return reads++ === 0 ? fd : other
    },
  }
  const large = a.sendAll(Buffer.alloc(1 << 22))
  const sent = a.sendFds(Buffer.from('d'), [file])
  for (let left = 1 << 22; left > 0;) left -= (await b.recv(left)).length
  const { fds } = await b.recvFds(1, 1)
  expect(sizeAndClose(fds[0]!)).toBe(5)
  expect(reads).toBe(1)
  await Promise.all([large, sent])
  closeSync(fd)
  closeSync(other)
  a.close()
  b.close()
})
