import { runNode } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * Which file descriptors a child program inherits. spawn passes on every descriptor that is not close-on-exec.
 * Without the flag a socket would be open in an unrelated program.
 */
const children = `
  const { spawnSync } = require('node:child_process')
  const inherited = () => spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout.trim().split('\\n').length
  const own = () => require('node:fs').readdirSync('/proc/self/fd').length
  const before = inherited()
`

const makers: [name: string, needs: string | null, script: string][] = [
  [
    'sockets and pairs',
    null,
    `const made = [new Socket(), new Socket(c.AF_UNIX, c.SOCK_DGRAM), ...Socket.pair()]`,
  ],
  [
    'blocking sockets',
    null,
    `const sync = require('./dist/sync.js'); const made = [new sync.Socket(), ...sync.Socket.pair()]`,
  ],
  ['duplicates', null, `const [a, b] = Socket.pair(); const made = [a, b, a.dup(), Socket.dup(b.fd)]`],
  [
    'accepted sockets and the poller',
    null,
    `const listener = new Socket().bind(['127.0.0.1', 0]).listen()
     const client = new Socket()
     const accepting = listener.accept()
     await client.connect(listener.getsockname())
     const made = [listener, client, await accepting]`,
  ],
  [
    'received descriptors',
    null,
    `const [a, b] = Socket.pair()
     await a.sendFds(Buffer.from('x'), [0, 1, a.fd])
     const made = [a, b, ...(await b.recvFds(1, 3)).fds]`,
  ],
  [
    'the pipe of a splice in flight',
    null,
    `const [a, b] = Socket.pair(); const [x, y] = Socket.pair()
     b.splice(x).catch(() => 0)
     await a.sendAll(Buffer.from('moved')); await y.recv(5)
     const made = [a, b, x, y]`,
  ],
  [
    'packet and raw sockets',
    missing.socket(17, 3),
    `const made = [new Socket(c.AF_PACKET, c.SOCK_RAW, 0), new Socket(c.AF_INET, c.SOCK_RAW, c.IPPROTO_ICMP)]`,
  ],
  [
    'a socket of another namespace',
    missing.namespace(),
    `const made = [new Socket(c.AF_INET, c.SOCK_DGRAM, 0, { netns: '/proc/self/ns/net' })]`,
  ],
  [
    'the lower layer',
    null,
    `const raw = require('./dist/raw.js'); const pair = new Int32Array(2)
     raw.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, pair)
     const made = [raw.socket(c.AF_INET, c.SOCK_DGRAM), ...pair, raw.dup(pair[0])].map(fd => ({ close: () => raw.close(fd) }))`,
  ],
]

describe('a child program', () => {
  for (const [name, needs, script] of makers) {
    testIf(missing.linux() ?? needs, `a child program does not inherit: ${name}`, async () => {
      const ended = await runNode(
        `;(async () => {
          ${children}
          const opened = own()
          ${script}
          console.log(JSON.stringify({ before, after: inherited(), more: own() - opened >= made.length }))
          for (const each of made) each.close()
        })()`,
      )
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      const { before, after, more } = JSON.parse(ended.stdout) as Record<string, unknown>
      expect({ after, more }).toEqual({ after: before, more: true })
    })
  }

  testIf(
    missing.linux(),
    'a child program inherits a socket after setInheritable(true), and no other',
    async () => {
      const ended = await runNode(`
      ${children}
      const [a, b] = Socket.pair()
      a.setInheritable(true)
      const given = inherited()
      a.setInheritable(false)
      console.log(given - before, inherited() - before)
      a.close(); b.close()
    `)
      expect(ended).toMatchObject({ code: 0, stdout: '1 0\n' })
    },
  )
})
