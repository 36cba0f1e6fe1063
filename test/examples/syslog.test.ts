import path from 'node:path'
import { AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run, type Ended } from '../helpers/child'
import { withPath } from '../helpers/pairs'

const program = path.join(__dirname, '../../examples/syslog.mjs')
const log = (...args: string[]): Promise<Ended> => run(process.execPath, [program, ...args])

describe('examples/syslog.mjs', () => {
  beforeAll(ensureBuilt)

  test('RFC 3164: priority, date, tag and process', () =>
    withPath(async file => {
      const daemon = new Socket(AF_UNIX, SOCK_DGRAM).bind(file)
      const ended = log('--path', file, '-p', 'daemon.warning', '-t', 'tester', 'it is', 'warm')
      const { data } = await daemon.recvfrom(2000, { timeout: 10000 })
      daemon.close()
      expect(await ended).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(String(data)).toMatch(/^<28>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d tester\[\d+\]: it is warm$/)
    }))

  test('RFC 5424: version, date, host, and UTF-8 with its mark', () =>
    withPath(async file => {
      const daemon = new Socket(AF_UNIX, SOCK_DGRAM).bind(file)
      const ended = log('--path', file, '--rfc5424', '-p', 'local7.debug', 'grüße')
      const { data } = await daemon.recvfrom(2000, { timeout: 10000 })
      daemon.close()
      expect(await ended).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(String(data)).toMatch(
        /^<191>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ node \d+ - - \ufeffgrüße$/,
      )
    }))

  test('a daemon that listens on a stream gets it with a NUL behind it', () =>
    withPath(async file => {
      const daemon = new Socket(AF_UNIX, SOCK_STREAM).bind(file).listen()
      const ended = log('--path', file, 'hello')
      const connection = await daemon.accept({ timeout: 10000 })
      const data = await connection.recv(2000, { timeout: 10000 })
      connection.close()
      daemon.close()
      expect(await ended).toMatchObject({ code: 0, stderr: '' })
      expect(String(data)).toMatch(/^<13>.*: hello\0$/)
    }))

  test('nobody there, and nonsense', async () => {
    await withPath(async file => {
      const { code, stderr } = await log('--path', file, 'x')
      expect({ code, stderr }).toEqual({ code: 1, stderr: `syslog: connect ENOENT ${file}\n` })
    })
    expect(await log('-p', 'user.loud', 'x')).toMatchObject({ code: 2 })
    expect(await log()).toMatchObject({ code: 2 })
  })
})
