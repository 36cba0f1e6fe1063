import { ensureDist, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/** Starts Node with sockets as descriptors 3, 4, …, as a service manager does, and returns what the script prints. */
async function pass(setup: string, script: string, environment = ''): Promise<unknown> {
  ensureDist()
  const launcher = `
import os, socket, sys
held = []
def put(sock, at):
    os.dup2(sock.fileno(), at)
    held.append(sock)
high = []
${setup}
os.environ.setdefault('LISTEN_PID', str(os.getpid()))
${environment}
os.execv(sys.argv[1], [sys.argv[1], '-e', sys.argv[2]])`
  const whole = `
    const b = require('./dist'), s = require('./dist/sync')
    const code = call => { try { return call() } catch (e) { return e.code + ': ' + e.message } }
    const main = async () => { ${script} }
    main().then(value => console.log(JSON.stringify(value)))`
  const ended = await run('python3', ['-S', '-E', '-c', launcher, process.execPath, whole], {
    timeout: 20000,
  })
  if (ended.code !== 0) throw new Error(ended.stdout + ended.stderr)
  return JSON.parse(ended.stdout.trim().split('\n').at(-1)!)
}

const two = `
import fcntl
def make(kind):
    made = socket.socket(socket.AF_INET, kind)
    made.bind(('127.0.0.1', 0))
    if kind == socket.SOCK_STREAM: made.listen()
    low = fcntl.fcntl(made.fileno(), fcntl.F_DUPFD, 20)
    made.close()
    return socket.socket(fileno=low)
a, c, d = make(socket.SOCK_STREAM), make(socket.SOCK_DGRAM), make(socket.SOCK_STREAM)
put(a, 3); put(c, 4); put(d, 5)
os.environ['LISTEN_FDS'] = '3'
os.environ['LISTEN_FDNAMES'] = 'web:log:web'
`
const show = `
  const show = map => Object.fromEntries([...map].map(([name, sockets]) =>
    [name, sockets.map(each => [each.fd, each.type === b.SOCK_STREAM ? 'stream' : 'dgram', each.getInheritable()])]))`

const none = missing.linux()

testIf(none, 'listenFds returns the sockets by name, close-on-exec, and removes the variables', async () => {
  for (const flavour of ['b', 's']) {
    expect(
      await pass(
        two,
        `${show}
        const first = ${flavour}.listenFds()
        const [web] = first.get('web')
        const seen = show(first)
        const { port } = web.getsockname()
        const client = await b.createConnection({ host: '127.0.0.1', port })
        const accepted = ${flavour === 'b' ? 'await web.accept()' : 'web.accept()'}
        const same = accepted.remoteAddress.equals(client.localAddress)
        const nonblocking = web.tryAccept()
        const left = Object.keys(process.env).filter(name => name.startsWith('LISTEN_'))
        const again = ${flavour}.listenFds().size
        for (const each of [client, accepted, ...[...first.values()].flat()]) each.close()
        return [seen, same, nonblocking, left, again]`,
      ),
    ).toEqual([
      {
        web: [
          [3, 'stream', false],
          [5, 'stream', false],
        ],
        log: [[4, 'dgram', false]],
      },
      true,
      null,
      [],
      0,
    ])
  }
})

testIf(none, 'sockets without names are called unknown', async () => {
  expect(
    await pass(
      two,
      `${show}
      const found = b.listenFds()
      const seen = show(found)
      for (const each of [...found.values()].flat()) each.close()
      return seen`,
      "del os.environ['LISTEN_FDNAMES']",
    ),
  ).toEqual({
    unknown: [
      [3, 'stream', false],
      [4, 'dgram', false],
      [5, 'stream', false],
    ],
  })
})

testIf(
  none,
  'listenFds takes nothing that is for another process, and nothing without LISTEN_FDS',
  async () => {
    for (const environment of [
      "os.environ['LISTEN_PID'] = '1'",
      "del os.environ['LISTEN_FDS']",
      "del os.environ['LISTEN_PID']",
    ]) {
      expect(
        await pass(
          two,
          `const { size } = b.listenFds(); return [size, require('fs').fstatSync(3).isSocket()]`,
          environment,
        ),
      ).toEqual([0, true])
    }
  },
)

testIf(
  none,
  'a descriptor that is no socket, and malformed variables, are errors that take nothing',
  async () => {
    const ask = `return [code(() => b.listenFds()), require('fs').fstatSync(3).isSocket()]`
    expect(await pass(two, ask, "os.dup2(os.open('/dev/null', os.O_RDONLY), 4)")).toEqual([
      'ENOTSOCK: listenFds ENOTSOCK: descriptor 4 ("log") is not a socket',
      true,
    ])
    for (const environment of [
      "os.environ['LISTEN_FDS'] = 'three'",
      "os.environ['LISTEN_FDS'] = '-1'",
      "os.environ['LISTEN_FDNAMES'] = 'a:b'",
    ]) {
      expect(await pass(two, ask, environment)).toEqual([expect.stringContaining('ERR_OUT_OF_RANGE'), true])
    }
  },
)
