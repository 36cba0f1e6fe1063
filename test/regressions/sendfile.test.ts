import { openSync, closeSync, readSync } from 'node:fs'
import { Socket } from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'
import { nodeBinary, runNode } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { fill, receive } from '../helpers/pairs'

test('sendfile rejects with the value that onProgress throws, even if it is not an Error', async () => {
  const file = openSync(nodeBinary, 'r')
  for (const value of [undefined, Object.freeze(new Error('frozen')), 'text']) {
    const [a, b] = Socket.pair()
    const sent = a.sendfile(file, {
      length: 1000,
      onProgress: () => {
        throw value // eslint-disable-line @typescript-eslint/only-throw-error -- callers can throw any value
      },
    })
    await expect(sent).rejects.toBe(value)
    a.close()
    b.close()
  }
  closeSync(file)
})

test('sendfile and splice accept a number for options, and check the descriptor first', async () => {
  const [a, b] = Socket.pair()
  expect((await failure(a.sendfile(-1, 0))).code).toBe('ERR_OUT_OF_RANGE')
  expect((await failure(a.splice(-1, 0))).code).toBe('ERR_OUT_OF_RANGE')
  a.close()
  b.close()
})

testIf(
  missing.linux() ?? missing.prlimit(),
  'sendfile of a file that fits into the socket needs no descriptor',
  async () => {
    const ended = await runNode(`
    const fs = require('node:fs')
    const { execFileSync } = require('node:child_process')
    async function main() {
      const [a, b] = Socket.pair()
      const file = fs.openSync('package.json')
      const { size } = fs.fstatSync(file)
      fs.readFileSync('package.json') // the file is in the page cache now
      const limit = fs.readdirSync('/proc/self/fd').length + 20
      execFileSync('prlimit', ['--pid', process.pid, '--nofile=' + limit + ':' + limit])
      const files = []
      try { for (;;) files.push(fs.openSync('/dev/null')) } catch {}
      console.log(await a.sendfile(file) === size, a.trySendfile(file) === size)
      // A transfer that waits has a duplicate.
      while (a.trySend(Buffer.alloc(65536)) !== null);
      console.log(await a.sendfile(file).catch(error => error.code))
      for (const each of [...files, file]) fs.closeSync(each)
      a.close(); b.close()
    }
    main()
    `)
    expect(ended).toMatchObject({ code: 0, stdout: 'true true\nEMFILE\n', stderr: '' })
  },
)

test('sendfile sends the file, though the caller closes its descriptor and reuses the number', async () => {
  for (const behind of [false, true]) {
    const [a, b] = Socket.pair()
    const filled = behind ? fill(a).bytes : 0
    const file = openSync(nodeBinary, 'r')
    const [first, second] = [1, 2].map(() => a.sendfile(file, { length: 2_000_000 }))
    closeSync(file)
    const other = openSync('/dev/zero', 'r')
    expect(other).toBe(file)
    const data = (await receive(b, filled + 4_000_000)).subarray(filled)
    expect(await Promise.all([first, second])).toEqual([2_000_000, 2_000_000])
    const expected = Buffer.alloc(2_000_000)
    const again = openSync(nodeBinary, 'r')
    readSync(again, expected)
    expect([data.subarray(0, 2_000_000).equals(expected), data.subarray(2_000_000).equals(expected)]).toEqual(
      [true, true],
    )
    for (const each of [again, other]) closeSync(each)
    a.close()
    b.close()
  }
})

test('if a listener of the progress closes the socket, the error blames the socket and not the file', () => {
  const [a, b] = SyncSocket.pair()
  const file = openSync(nodeBinary, 'r')
  const error = thrown(() => a.sendfile(file, { length: 8 << 20, onProgress: () => a.close() }))
  expect(error.message).toBe('sendfile EBADF: the socket is closed')
  expect((error as { bytesSent?: number }).bytesSent).toBeGreaterThan(0)
  closeSync(file)
  b.close()
})
