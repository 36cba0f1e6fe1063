import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Socket, AF_INET, SOCK_DGRAM } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { root } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { Peer } from '../helpers/network'
import { withPath } from '../helpers/pairs'

/*
 * Runs the programs of examples/python/ with Python as the peer, in both roles where there are two.
 */
const python = missing.python()
const text = 'This is the message.  It will be repeated.'
const group = '224.3.29.71'
const UNPRIVILEGED = 65534

const running: Peer[] = []
function start(program: string, ...args: string[]): Peer {
  const peer = new Peer(spawn(program, args, { cwd: root, stdio: 'pipe' }))
  running.push(peer)
  return peer
}
const ours = (name: string, ...args: string[]): Peer =>
  start(process.execPath, path.join(root, 'examples/python', `${name}.mjs`), ...args)
const theirs = (name: string, ...args: string[]): Peer =>
  start('python3', '-S', '-E', '-u', path.join(__dirname, 'peers', `${name}.py`), ...args)

/** Returns the port on which a program of this repository listens. */
const portOf = async (peer: Peer): Promise<string> => (await peer.line(/^listening on .*:(\d+)$/))[1]!
const readyPort = async (peer: Peer): Promise<string> => (await peer.line(/^ready (\d+)$/))[1]!
/** Returns the output of a program that exited without an error. */
async function output(peer: Peer): Promise<string> {
  const { code, stdout, stderr } = await peer.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}
const received = (stdout: string): string =>
  [...stdout.matchAll(/^received (.*)$/gm)].map(match => match[1]).join('')

beforeAll(ensureBuilt)
afterEach(async () => {
  for (const peer of running.splice(0)) await peer.stop('SIGINT')
})

describe('echo over TCP', () => {
  for (const name of ['socket_echo_server', 'select_echo_server']) {
    testIf(python, `${name} answers a Python client`, async () => {
      const server = ours(name, '0')
      const port = await portOf(server)
      const clients = ['one', 'two', 'x'.repeat(100_000)]
      const answers = clients.map(each => output(theirs('echo_client', 'tcp', '127.0.0.1', port, each)))
      expect(await Promise.all(answers)).toEqual(clients.map(each => `${each}\n`))
      const { stdout } = await server.stop('SIGINT') // its output may arrive after its answers
      expect(stdout.match(/^connection from 127\.0\.0\.1:\d+$/gm)).toHaveLength(3)
    })
  }

  testIf(
    python,
    'socket_echo_client and socket_echo_client_easy get answers from a Python server',
    async () => {
      const port = await readyPort(theirs('echo_server', 'tcp', '127.0.0.1', '0'))
      const first = await output(ours('socket_echo_client', port))
      expect(first).toContain(`sending ${text}\n`)
      expect(received(first)).toBe(text)
      const easy = await output(ours('socket_echo_client_easy', port))
      expect(easy).toMatch(/^family {2}: AF_INET\ntype {4}: SOCK_STREAM\n/)
      expect(received(easy)).toBe(text)
    },
  )

  testIf(python, 'socket_echo_server_explicit listens on one address and on all addresses', async () => {
    for (const [address, others] of [
      ['127.0.0.2', []],
      ['', ['127.0.0.1', '127.0.0.3']],
    ] as const) {
      const server = ours('socket_echo_server_explicit', address, '0')
      const [, bound, port] = await server.line(/^listening on (.*):(\d+)$/)
      expect(bound).toBe(address === '' ? '0.0.0.0' : address)
      for (const where of ['127.0.0.2', ...others]) {
        const client = theirs('echo_client', 'tcp', where, port!, 'hello')
        expect(await output(client)).toBe('hello\n')
        await server.line(new RegExp(`^client connected: 127\\.0\\.0\\.1:\\d+ at ${where}:${port}$`))
      }
    }
  })
})

describe('echo over UDP', () => {
  testIf(python, 'socket_echo_server_dgram answers a Python client', async () => {
    const server = ours('socket_echo_server_dgram', '0')
    const port = await portOf(server)
    expect(await output(theirs('echo_client', 'udp', '127.0.0.1', port, text))).toBe(`${text}\n`)
    await server.line(new RegExp(`^sent ${text.length} bytes back$`))
  })

  testIf(python, 'socket_echo_client_dgram gets answers from a Python server', async () => {
    const port = await readyPort(theirs('echo_server', 'udp', '127.0.0.1', '0'))
    expect(await output(ours('socket_echo_client_dgram', port))).toBe(
      `sending ${text}\nreceived ${text} from 127.0.0.1:${port}\n`,
    )
  })
})

describe('echo over AF_UNIX', () => {
  testIf(python, 'socket_echo_server_uds answers a Python client, and replaces a stale path', () =>
    withPath(async file => {
      for (let i = 0; i < 2; i++) {
        const server = ours('socket_echo_server_uds', file)
        await server.line(/^listening on /)
        expect(await output(theirs('echo_client', 'unix', file, text))).toBe(`${text}\n`)
        await server.stop('SIGKILL') // leaves a stale path
      }
    }),
  )

  testIf(python, 'socket_echo_client_uds gets answers from a Python server', () =>
    withPath(async file => {
      await theirs('echo_server', 'unix', file).line(/^ready$/)
      expect(received(await output(ours('socket_echo_client_uds', file)))).toBe(text)
    }),
  )

  testIf(python ?? missing.root(), 'another user cannot connect to an AF_UNIX path', () =>
    withPath(async file => {
      chmodSync(path.dirname(file), 0o755)
      await theirs('echo_server', 'unix', file, '177').line(/^ready$/)
      const denied = await ours('socket_echo_client_uds', file, 'nobody').ended
      expect(denied).toMatchObject({ code: 1, stderr: '' })
      expect(denied.stdout).toBe(`EACCES: connect EACCES ${file}\n`)
      await ours('socket_echo_server_uds', `${file}2`, '600').line(/^listening on /)
      const other = await theirs('echo_client', 'unix', `${file}2`, text, String(UNPRIVILEGED)).ended
      expect(other).toMatchObject({ code: 1, stderr: 'denied 13\n' })
      expect(await output(theirs('echo_client', 'unix', `${file}2`, text))).toBe(`${text}\n`)
    }),
  )
})

describe('socket_socketpair', () => {
  test('socket_socketpair exchanges messages between parent and child', async () => {
    const lines = (await output(ours('socket_socketpair'))).trim().split('\n').sort()
    expect(lines).toEqual([
      'in child, waiting for message',
      'message from parent: ping',
      'response from child: pong',
    ])
  })

  testIf(python, 'socket_socketpair exchanges messages with a Python child', async () => {
    const script = path.join(__dirname, 'peers/pair.py')
    const said = await output(ours('socket_socketpair', 'python3', script, 'child', '3'))
    expect(said.trim().split('\n').sort()).toEqual(['child got ping', 'response from child: pong'])
  })

  testIf(python, 'socket_socketpair exchanges messages with a Python parent', async () => {
    const child = path.join(root, 'examples/python/socket_socketpair.mjs')
    const said = await output(theirs('pair', 'parent', process.execPath, child, '--child', '{fd}'))
    expect(said).toContain('message from parent: ping\n')
    expect(said).toContain('parent got pong\n')
  })
})

describe('multicast on the loopback interface', () => {
  const freePort = (): string => {
    using probe = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    return String((probe.getsockname() as unknown as { port: number }).port)
  }

  testIf(
    python ?? missing.linux(),
    'the multicast sender reaches a receiver in Node and one in Python',
    async () => {
      const port = freePort()
      const a = ours('socket_multicast_receiver', group, port)
      const b = theirs('multicast', 'receive', group, port)
      await a.line(/^listening on /)
      await b.line(/^ready$/)
      const said = await output(ours('socket_multicast_sender', group, port))
      expect(said.match(/^received ack from [\d.]+:\d+$/gm)).toHaveLength(2)
      expect(said).toMatch(/timed out, no more responses\n$/)
      await a.line(/^received 19 bytes from [\d.]+:\d+: very important data$/)
      await b.line(/^got very important data$/)
    },
  )

  testIf(python ?? missing.linux(), 'the multicast receiver answers a Python sender', async () => {
    const port = freePort()
    await ours('socket_multicast_receiver', group, port).line(/^listening on /)
    expect(await output(theirs('multicast', 'send', group, port))).toBe('answer ack\nno more\n')
  })
})

describe('packed binary', () => {
  testIf(python, 'socket_binary_client sends to a Python server', async () => {
    const server = theirs('binary', 'receive')
    const sent = await output(ours('socket_binary_client', await readyPort(server)))
    expect(sent).toBe('sending 0100000061620000cdcc2c40\n')
    await server.line(/^unpacked \(1, b'ab', 2\.700000047\d+\)$/)
  })

  testIf(python, 'socket_binary_server receives from a Python client', async () => {
    const server = ours('socket_binary_server', '0')
    await output(theirs('binary', 'send', await portOf(server)))
    await server.line(/^received 0100000061620000cdcc2c40$/)
    await server.line(/^unpacked \(1, 'ab', 2\.700000047\d+\)$/)
  })
})

describe('sendfile', () => {
  const body = randomBytes(5_000_003)
  const hash = createHash('sha256').update(body).digest('hex')

  testIf(python, 'sendfile_sender sends to a Python receiver in both ways', () =>
    withPath(async directory => {
      const file = `${directory}吞噬星空.txt`
      writeFileSync(file, body)
      for (const way of [[], ['--copy']]) {
        const receiver = theirs('transfer', 'receive')
        const said = await output(ours('sendfile_sender', file, await readyPort(receiver), ...way))
        expect(said).toMatch(/^5000003 bytes in \d+\.\d ms\n$/)
        expect(await output(receiver)).toMatch(new RegExp(`^received 5000003 ${hash}$`, 'm'))
      }
    }),
  )

  testIf(python, 'sendfile_receiver receives from a Python sender', () =>
    withPath(async file => {
      writeFileSync(file, body)
      const receiver = ours('sendfile_receiver', '0')
      expect(await output(theirs('transfer', 'send', file, await portOf(receiver)))).toBe('sent 5000003\n')
      expect(await output(receiver)).toMatch(/^received 5000003 bytes$/m)
    }),
  )
})

testIf(python, 'socket_address_packing prints the same as Python', async () => {
  const addresses = ['192.168.1.1', '127.0.0.1', '2002:ac10:10a:1234:21e:52ff:fe74:40e', '::1']
  const packed = (await output(theirs('addresses', ...addresses))).trim().split('\n')
  const said = await output(ours('socket_address_packing', ...addresses))
  expect([...said.matchAll(/^packed {2}: (.*)$/gm)].map(match => match[1])).toEqual(packed)
  expect([...said.matchAll(/^unpacked: (.*)$/gm)].map(match => match[1])).toEqual(addresses)
  expect(said.match(/^the same: (.*)$/gm)).toEqual(['the same: 192.168.1.1', 'the same: 127.0.0.1'])
})

testIf(python, 'the lookup programs print the same as Python', async () => {
  const [host, address, ports, services, protocols, answers] = (await output(theirs('names'))).split('\n')
  const hosts = await output(ours('socket_gethostbyname', 'localhost'))
  expect(hosts).toContain(`this host: ${host}\nlocalhost : ${address}\n`)
  const named = await output(ours('socket_getservbyname', 'http', 'https', 'ftp', 'smtp', 'pop3'))
  expect([...named.matchAll(/: (\d+)$/gm)].map(match => match[1]).join(' ')).toBe(ports)
  const schemes = await output(ours('socket_getservbyname', '80', '443', '21', '25', '110'))
  expect([...schemes.matchAll(/^(.*):\/\/example\.com\/$/gm)].map(match => match[1]).join(' ')).toBe(services)
  const numbers = await output(ours('socket_getprotobyname', 'icmp', 'udp', 'tcp'))
  expect([...numbers.matchAll(/-> (\d+)/g)].map(match => match[1]).join(' ')).toBe(protocols)
  expect(numbers).toContain('tcp -> 6 (IPPROTO_TCP = 6)\n')
  const found = await output(ours('socket_getaddrinfo', 'localhost', 'http'))
  const canonical = found.slice(found.indexOf('canonical name:\n')).trim().split('\n').slice(1)
  expect(canonical.map(line => line.split(' ').at(-1)).join(' ')).toBe(answers)
  expect(canonical[0]).toMatch(/^AF_INET SOCK_STREAM IPPROTO_TCP localhost/)
})

describe('conversations, serve, time-outs', () => {
  testIf(python, 'conversation_client talks to a Python server', async () => {
    const port = await readyPort(theirs('echo_server', 'tcp', '127.0.0.1', '0'))
    const client = ours('conversation_client', port)
    client.write('hello\n')
    await client.line(/received hello$/)
    client.write('again\n')
    await client.line(/received again$/)
    client.write('bye\n')
    await output(client)
  })

  testIf(python, 'conversation_server talks to a Python client, with and without input', async () => {
    const script = `
import socket, sys
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
    for word in ('one', 'two'):
        s.sendall(word.encode())
        print(s.recv(1024).decode())
`
    const fixed = await portOf(ours('conversation_server', '0'))
    const answers = await output(start('python3', '-S', '-E', '-c', script, fixed))
    expect(answers).toBe('the server received your message\n'.repeat(2))
    const server = ours('conversation_server', '0', 'prompt')
    const client = start('python3', '-S', '-E', '-c', script, await portOf(server))
    await server.line(/from the other end: one$/)
    server.write('first answer\n')
    await server.line(/from the other end: two$/)
    server.write('second answer\n')
    expect(await output(client)).toBe('first answer\nsecond answer\n')
  })

  testIf(python, 'socketserver_echo serves concurrent Python clients, and exits in order', async () => {
    const server = ours('socketserver_echo', '0')
    const port = await portOf(server)
    const words = ['a', 'b'.repeat(50_000), 'c']
    const clients = words.map(word => output(theirs('echo_client', 'tcp', '127.0.0.1', port, word)))
    expect(await Promise.all(clients)).toEqual(words.map(word => `${word}\n`))
    expect(await server.stop('SIGINT')).toMatchObject({ code: 0, stdout: expect.stringMatching(/closed\n$/) })
  })

  test('socket_timeouts prints each timeout', async () => {
    expect(await output(ours('socket_timeouts'))).toBe(`default: null
nothing there, non-blocking: EAGAIN
nothing there, 50 ms: ERR_SOCKET_TIMEOUT
something there: something
no room, non-blocking: EAGAIN
`)
  })
})
