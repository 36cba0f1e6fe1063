import { AF_UNIX, MSG_OOB, Socket, SOL_SOCKET } from '../../lib'
import { SO_PASSCRED } from '../../lib/linux'
import { runPython } from '../helpers/child'
import { failure } from '../helpers/errors'
import { kinds, using } from '../helpers/pairs'
import { missing, testIf } from '../helpers/need'

/*
 * Reads that return fewer bytes than there are. A read stops at a message with file descriptors, at a change of
 * credentials and at an out-of-band byte. The kernel reports no new readiness event for the bytes behind.
 */
const python = missing.linux() ?? missing.python()
const bytes = (text: string): Buffer => Buffer.from(text)

async function readAll(socket: Socket, length: number): Promise<string> {
  let text = ''
  while (text.length < length) {
    const part = await socket.recv(100, { timeout: 5000 })
    if (part.length === 0) break
    text += String(part)
  }
  return text
}

const messages = `
import socket, array
s = socket.socket(fileno=3)
r = open('/dev/null')
s.send(b'aaaa')
s.sendmsg([b'b'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [r.fileno()]))])
s.send(b'cccc')
s.sendmsg([b'd'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [r.fileno()]))])
s.sendmsg([b'e'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [r.fileno()]))])
s.send(b'ffff')
`

for (const form of ['recv', 'recvInto', 'recvfrom'] as const) {
  testIf(python, `${form} reads on after file descriptors in the middle of an AF_UNIX stream`, async () => {
    const [a, b] = Socket.pair()
    const buffer = Buffer.alloc(100)
    let text = ''
    const reading = (async (): Promise<void> => {
      while (text.length < 15) {
        if (form === 'recv') text += String(await b.recv(100, { timeout: 5000 }))
        else if (form === 'recvfrom') text += String((await b.recvfrom(100, { timeout: 5000 })).data)
        else text += String(buffer.subarray(0, await b.recvInto(buffer, { timeout: 5000 })))
      }
    })()
    await runPython(messages, [a.fd])
    await reading
    expect(text).toBe('aaaabccccdeffff')
    a.close()
    b.close()
  })
}

testIf(python, 'with SO_PASSCRED, the bytes of two processes are read without a hang', async () => {
  const [a, b] = Socket.pair()
  b.setsockopt(SOL_SOCKET, SO_PASSCRED, 1)
  expect((await failure(b.recv(100, { timeout: 1 }))).code).toBe('ERR_SOCKET_TIMEOUT')
  await a.send(bytes('mine'))
  await runPython(`import socket\nsocket.socket(fileno=3).send(b'theirs')`, [a.fd])
  await a.send(bytes('mine'))
  expect(await readAll(b, 14)).toBe('minetheirsmine')
  a.close()
  b.close()
})

for (const kind of kinds.filter(
  ({ name }) => name === 'tcp4' || name === 'unix stream' || name === 'socketpair stream',
)) {
  testIf(
    kind.missing,
    `${kind.name}: a read that waits goes on after an out-of-band byte in the middle of the stream`,
    () =>
      using(kind.make, async ({ a, b }) => {
        const text = readAll(b, 8)
        await a.send(bytes('aaaa'))
        await a.send(bytes('!'), MSG_OOB)
        await a.send(bytes('bbbb'))
        expect(await text).toBe('aaaabbbb')
      }),
  )

  testIf(
    kind.missing,
    `${kind.name}: a read that found nothing before goes on after an out-of-band byte`,
    () =>
      using(kind.make, async ({ a, b }) => {
        expect((await failure(b.recv(1, { timeout: 1 }))).code).toBe('ERR_SOCKET_TIMEOUT')
        for (let round = 0; round < 5; round++) {
          a.trySend(bytes('aaaa'))
          a.trySend(bytes('!'), MSG_OOB)
          a.trySend(bytes('bbbb'))
          expect(await readAll(b, 8)).toBe('aaaabbbb')
          a.trySend(bytes('cc'))
          expect(await readAll(b, 2)).toBe('cc')
        }
      }),
  )

  testIf(kind.missing, `${kind.name}: MSG_OOB reads the out-of-band byte`, () =>
    using(kind.make, async ({ a, b }) => {
      const arrived = b.readable()
      await a.send(bytes('12!'), MSG_OOB)
      await arrived
      expect(String(await b.recv(1, MSG_OOB))).toBe('!')
      expect(await readAll(b, 2)).toBe('12')
    }),
  )
}

testIf(
  missing.linux(),
  'the kernel chooses the abstract name when a socket is bound to a path of no bytes',
  () => {
    const socket = new Socket(AF_UNIX).bind(bytes(''))
    expect(socket.getsockname().kind).toBe('abstract')
    socket.close()
  },
)
