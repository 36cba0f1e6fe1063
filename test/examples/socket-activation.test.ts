import { spawn } from 'node:child_process'
import path from 'node:path'
import { AF_UNIX, createConnection, SHUT_WR, SOCK_DGRAM, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { Peer } from '../helpers/network'
import { abstractName } from '../helpers/pairs'

const program = path.join(__dirname, '../../examples/socket-activation.mjs')
const activate = missing.linux() ?? missing.program('systemd-socket-activate', '--version')

/** The part of a service manager that matters here: it keeps the socket, and starts the service for each line of stdin. */
const manager = `
import os, signal, socket, sys
listener = socket.create_server(('127.0.0.1', 0), backlog=512)
print('port', listener.getsockname()[1], flush=True)
child = None
for line in sys.stdin:
    if child is not None and line == 'stop\\n':
        os.kill(child, signal.SIGTERM)
        print('ended', child, os.waitpid(child, 0)[1], flush=True)
        child = None
    elif line == 'start\\n':
        child = os.fork()
        if child == 0:
            if listener.fileno() == 3: os.set_inheritable(3, True)
            else: os.dup2(listener.fileno(), 3)
            os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='web')
            os.execv(sys.argv[1], sys.argv[1:])
`

/** Sends a line on a new connection, and returns the answer. */
async function ask(port: number): Promise<string> {
  const client = await createConnection({ host: '127.0.0.1', port, timeout: 20_000 })
  try {
    await client.sendAll(Buffer.from('hello\n'))
    client.shutdown(SHUT_WR)
    const reader = client.reader({ timeout: 20_000 })
    const answer = await reader.line()
    expect(await reader.read()).toHaveLength(0)
    return String(answer)
  } finally {
    client.close()
  }
}

describe('examples/socket-activation.mjs', () => {
  beforeAll(ensureBuilt)

  test('socket-activation.mjs listens itself without a service manager', async () => {
    const service = new Peer(spawn(process.execPath, [program]))
    const [, port] = await service.line(/^listens on 127\.0\.0\.1:(\d+)$/)
    expect(await ask(Number(port))).toBe(`1 ${service.child.pid} hello`)
    expect(await service.stop()).toMatchObject({ code: 0, stderr: '' })
  })

  testIf(missing.python(), 'socket-activation.mjs: no connection is lost over restarts', async () => {
    const peer = new Peer(spawn('python3', ['-u', '-c', manager, process.execPath, program]))
    const port = Number((await peer.line(/^port (\d+)$/))[1])
    peer.write('start\n')
    const answers: string[] = []
    let over = false
    const visitor = async (): Promise<void> => {
      while (!over) answers.push(await ask(port))
    }
    const visitors = Array.from({ length: 8 }, visitor)
    const pids: number[] = []
    for (let round = 1; round <= 3; round++) {
      // A first answer of this process, then the restart.
      const from = answers.length
      while (answers.length < from + 50) await new Promise(resolve => setImmediate(resolve))
      peer.write('stop\n')
      const ended = new RegExp(`^ended (?!${pids.join('|') || 'x'} )(\\d+) 0$`)
      pids.push(Number((await peer.line(ended))[1]))
      // These connections come while no process accepts.
      const waiting = Array.from({ length: 8 }, () => ask(port))
      peer.write('start\n')
      const now = new Set((await Promise.all(waiting)).map(answer => answer.split(' ')[1]))
      expect(now.size).toBe(1)
      expect(pids).not.toContain(Number([...now][0]))
    }
    over = true
    await Promise.all(visitors)
    for (const answer of answers) expect(answer).toMatch(/^1 \d+ hello$/)
    expect(new Set(answers.map(answer => answer.split(' ')[1])).size).toBeGreaterThanOrEqual(3)
    peer.write('stop\n')
    peer.child.stdin!.end()
    expect(await peer.ended).toMatchObject({ code: 0, stderr: '' })
  })

  testIf(activate, 'socket-activation.mjs: systemd-socket-activate starts it with a socket', async () => {
    // The tool takes a number of a port. A listener that is closed again finds one.
    const probe = new Socket()
    probe.bind(['127.0.0.1', 0])
    const { port } = probe.getsockname()
    probe.close()
    const address = `127.0.0.1:${port}`
    const peer = new Peer(spawn('systemd-socket-activate', ['-l', address, process.execPath, program]))
    await peer.line(/Listening on /)
    expect(await ask(port!)).toMatch(/^1 \d+ hello$/)
    await peer.line(/^was passed a socket on 127\.0\.0\.1:\d+$/)
    expect((await peer.stop()).code).toBe(0)
  })

  testIf(missing.linux(), 'socket-activation.mjs reports READY, WATCHDOG and STOPPING', async () => {
    const name = abstractName()
    const states = new Socket(AF_UNIX, SOCK_DGRAM).bind(name)
    const env = { ...process.env, NOTIFY_SOCKET: name.replace('\0', '@'), WATCHDOG_USEC: '20000' }
    const service = new Peer(spawn(process.execPath, [program], { env }))
    const next = async (): Promise<string> => String(await states.recv(1000, { timeout: 10_000 }))
    expect(await next()).toMatch(/^READY=1\nSTATUS=listens on 127\.0\.0\.1:\d+$/)
    expect(await next()).toBe('WATCHDOG=1')
    expect(await next()).toBe('WATCHDOG=1')
    service.child.kill('SIGTERM')
    let state: string
    do state = await next()
    while (state === 'WATCHDOG=1')
    expect(state).toBe('STOPPING=1')
    expect(await service.ended).toMatchObject({ code: 0, stderr: '' })
    states.close()
  })
})
