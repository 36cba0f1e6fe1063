import path from 'node:path'
import { AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run, type Ended } from '../helpers/child'
import { withPath } from '../helpers/pairs'

const program = path.join(__dirname, '../../examples/syslog.mjs')
const log = (...args: string[]): Promise<Ended> => run(process.execPath, [program, ...args])

describe('examples/syslog.mjs', () => {
  beforeAll(ensureBuilt)

  test('syslog.mjs sends priority, date, tag and process in the format of RFC 3164', () =>
    withPath(async file => {
      const daemon = new Socket(AF_UNIX, SOCK_DGRAM).bind(file)
      const ended = log('--path', file, '-p', 'daemon.warning', '-t', 'tester', 'it is', 'warm')
      const { data } = await daemon.recvfrom(2000, { timeout: 10000 })
      daemon.close()
      expect(await ended).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(String(data)).toMatch(/^<28>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d tester\[\d+\]: it is warm$/)
    }))

  test('syslog.mjs sends version, date, host and UTF-8 with a BOM in the format of RFC 5424', () =>
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

  test('syslog.mjs ends the message with a NUL if the daemon listens on a stream', () =>
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

  test('syslog.mjs reports a missing daemon and invalid arguments', async () => {
    await withPath(async file => {
      const { code, stderr } = await log('--path', file, 'x')
      expect({ code, stderr }).toEqual({ code: 1, stderr: `syslog: connect ENOENT ${file}\n` })
    })
    expect(await log('-p', 'user.loud', 'x')).toMatchObject({ code: 2 })
    expect(await log()).toMatchObject({ code: 2 })
  })
})
