// @ts-check
// logger(1) in a page: sends one message to the system's log, a datagram to its AF_UNIX socket.
//
//   node examples/syslog.mjs [-p facility.severity] [-t tag] [--rfc5424] [--path /dev/log] message…
//
// Exits with 0 if the message was sent, else 1. Waits for at most two seconds while the daemon's queue is full.
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { AF_UNIX, SOCK_DGRAM, SOCK_STREAM, Socket } from 'bsd-sockets'

const names = 'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock'
const facilities = [...names.split(' '), ...Array.from({ length: 8 }, (_, i) => `local${i}`)]
const severities = 'emerg alert crit err warning notice info debug'.split(' ')
// The old names of syslog.h.
/** @type {Record<string, string | undefined>} */
const aliases = { security: 'auth', panic: 'emerg', error: 'err', warn: 'warning' }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    priority: { type: 'string', short: 'p', default: 'user.notice' },
    tag: { type: 'string', short: 't', default: 'node' },
    path: { type: 'string', default: process.platform === 'darwin' ? '/var/run/syslog' : '/dev/log' },
    rfc5424: { type: 'boolean', default: false },
  },
})
const [facility = -1, severity = -1] = values.priority
  .split('.')
  .map((name, i) => [facilities, severities][i]?.indexOf(aliases[name] ?? name) ?? -1)
if (positionals.length === 0 || !(facility >= 0 && severity >= 0)) {
  console.error(
    'usage: syslog.mjs [-p facility.severity] [-t tag] [--rfc5424] [--path /dev/log] message…\n' +
      `facilities: ${facilities.join(' ')}\nseverities: ${severities.join(' ')}`,
  )
  process.exit(2)
}

/** RFC 3164 as local daemons expect it: without the host name. */
function bsdMessage(/** @type {string} */ text, now = new Date()) {
  const [, month, day, , time] = now.toString().split(' ')
  const date = `${month} ${String(Number(day)).padStart(2)} ${time}`
  return `<${facility * 8 + severity}>${date} ${values.tag}[${process.pid}]: ${text}`
}

/** RFC 5424: version 1, no message id, no structured data; the byte order mark says that the text is UTF-8. */
function structuredMessage(/** @type {string} */ text, now = new Date()) {
  return `<${facility * 8 + severity}>1 ${now.toISOString()} ${hostname()} ${values.tag} ${process.pid} - - \ufeff${text}`
}

/** Connects with the socket type of the daemon, as syslog(3) does: nearly always datagrams. */
async function connect(/** @type {string} */ path, /** @type {number} */ type = SOCK_DGRAM) {
  const socket = new Socket(AF_UNIX, type)
  socket.timeout = 2000
  try {
    await socket.connect(path)
    return socket
  } catch (error) {
    socket.close()
    if (type === SOCK_STREAM || /** @type {NodeJS.ErrnoException} */ (error).code !== 'EPROTOTYPE')
      throw error
    return connect(path, SOCK_STREAM)
  }
}

try {
  const socket = await connect(values.path)
  const text = positionals.join(' ')
  const message = values.rfc5424 ? structuredMessage(text) : bsdMessage(text)
  // On a stream a NUL ends a message.
  await socket.sendAll(Buffer.from(socket.type === SOCK_STREAM ? `${message}\0` : message))
  socket.close()
} catch (error) {
  console.error(`syslog: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
