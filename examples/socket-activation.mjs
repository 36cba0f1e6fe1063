// @ts-check
// A service for systemd: takes its listening socket from the service manager, and is restarted without a lost connection.
//
//   node examples/socket-activation.mjs [port]                         listens itself
//   systemd-socket-activate -l 8080 node examples/socket-activation.mjs     then: echo hello | nc -N 127.0.0.1 8080
//
// Answers each line with its number and the process. On SIGTERM it answers the lines that have arrived, and leaves new
// connections to the next process: the manager keeps the socket open. docs/systemd.md has the unit files. Linux.
import { AF_UNIX, createServer, listenFds, serve, SOCK_DGRAM, Socket } from 'bsd-sockets'

/** Reports a state to the manager; does nothing without one. sd_notify(3) */
async function notify(/** @type {string} */ state) {
  const { NOTIFY_SOCKET: name } = process.env
  if (name === undefined) return
  const socket = new Socket(AF_UNIX, SOCK_DGRAM)
  try {
    await socket.sendto(Buffer.from(state), name.replace(/^@/, '\0'), { timeout: 1000 })
  } catch (error) {
    console.error(`notify: ${error instanceof Error ? error.message : error}`)
  } finally {
    socket.close()
  }
}

const [passed] = [...listenFds().values()].flat()
const listener = passed ?? (await createServer({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) }))

/** Reads a line. When the service ends, the client may send one more within a second: it may be on its way. */
async function nextLine(
  /** @type {import('bsd-sockets').SocketReader} */ reader,
  /** @type {AbortSignal} */ stopping,
) {
  try {
    return await reader.line({ signal: stopping, timeout: 60_000 })
  } catch (error) {
    if (/** @type {Error} */ (error).name !== 'AbortError') throw error
    return reader.line({ timeout: 1000 })
  }
}

async function converse(
  /** @type {Socket} */ connection,
  /** @type {import('bsd-sockets').Server} */ { stopping },
) {
  const reader = connection.reader()
  for (let number = 1; ; number++) {
    const line = await nextLine(reader, stopping)
    if (line === null) return
    await connection.sendAll(Buffer.from(`${number} ${process.pid} ${line}\n`))
    if (stopping.aborted && reader.buffered === 0) return
  }
}

const server = serve(listener, converse, {
  onError: (/** @type {any} */ error) => error.code === 'ERR_SOCKET_TIMEOUT' || console.error(error),
})
console.log(`${passed === undefined ? 'listens' : 'was passed a socket'} on ${server.address}`)
await notify(`READY=1\nSTATUS=listens on ${server.address}`)

// The manager restarts the service if no WATCHDOG=1 comes for WATCHDOG_USEC. A blocked event loop sends none.
const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid = String(process.pid) } = process.env
const watched = microseconds !== undefined && pid === String(process.pid)
const timer = watched ? setInterval(() => notify('WATCHDOG=1'), Number(microseconds) / 2000) : undefined

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await notify('STOPPING=1')
    // The backlog of a passed socket is for the next process. A socket of our own has no other process.
    await server.close({ drain: 10_000, backlog: passed === undefined })
    clearInterval(timer)
  })
}
