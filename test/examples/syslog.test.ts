import path from 'node:path'
import { AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run, type Ended } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { withPath } from '../helpers/pairs'

const program = path.join(__dirname, '../../examples/syslog.mjs')
const log = (...args: string[]): Promise<Ended> => run(process.execPath, [program, ...args])

const logger = missing.linux() ?? missing.program('logger', '--version')

/** Returns what a program sends to the daemon, without what differs between two runs. */
const received = (program: (file: string) => Promise<Ended>): Promise<string> =>
  withPath(async file => {
    const daemon = new Socket(AF_UNIX, SOCK_DGRAM).bind(file)
    const ended = program(file)
    const { data } = await daemon.recvfrom(2000, { timeout: 10000 }).finally(() => daemon.close())
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    return String(data)
      .replace(/>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /, '>TIME ')
      .replace(/>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) /, '>1 TIME ')
      .replace(/tester\[\d+\]/, 'tester[PID]')
      .replace(/tester \d+ /, 'tester PID ')
  })

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

  const priorities = 'user.notice local7.debug daemon.warn security.error cron.panic authpriv.emerg ftp.crit'
  for (const priority of priorities.split(' '))
    testIf(logger, `syslog.mjs sends ${priority} as logger(1) does`, async () => {
      const args = ['-p', priority, '-t', 'tester', 'it is', 'wärm']
      const ours = await received(file => log('--path', file, ...args))
      expect(ours).toBe(await received(file => run('logger', ['-i', '-u', file, ...args])))
    })

  testIf(logger, 'syslog.mjs --rfc5424 sends the fields of logger(1), and marks UTF-8', async () => {
    const args = ['-p', 'mail.info', '-t', 'tester', 'wärm']
    const ours = await received(file => log('--path', file, '--rfc5424', ...args))
    const theirs = await received(file => run('logger', ['-i', '--rfc5424=notq', '-u', file, ...args]))
    expect(ours).toContain('\ufeff')
    expect(ours.replace('\ufeff', '')).toBe(theirs)
  })

  test('syslog.mjs reports a missing daemon and invalid arguments', async () => {
    await withPath(async file => {
      const { code, stderr } = await log('--path', file, 'x')
      expect({ code, stderr }).toEqual({ code: 1, stderr: `syslog: connect ENOENT ${file}\n` })
    })
    expect(await log('-p', 'user.loud', 'x')).toMatchObject({ code: 2 })
    expect(await log()).toMatchObject({ code: 2 })
  })
})
