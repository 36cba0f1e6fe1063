import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { ensureDist, root, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * The libuv of Bun and Deno is a stub, so a thread wakes the event loop there. `npm run check:runtimes` takes whole
 * suites to them; these tests are for every run.
 */
const runtimes: [name: string, program: string, ...flags: string[]][] = [
  ['Bun', 'bun', '-e'],
  ['Deno', 'deno', 'eval'],
]
// Deno would ask for a newer release on the network.
const env = { DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1', NO_COLOR: '1' }

describe.each(runtimes)('%s', (name, program, ...flags) => {
  const absent = missing.program(program, '--version')
  const entry = (which: string): string => pathToFileURL(path.join(root, 'dist', `${which}.mjs`)).href

  async function evaluate(script: string): Promise<unknown> {
    ensureDist()
    return run(program, [...flags, script], { timeout: 30_000, env })
  }

  for (const each of ['index', 'sync', 'raw', 'dgram', 'linux']) {
    testIf(absent, `the import works and does not keep the process alive: ${each}`, async () => {
      const script = `console.log(typeof await import('${entry(each)}'))`
      expect(await evaluate(script)).toEqual({ code: 0, signal: null, stdout: 'object\n', stderr: '' })
    })
  }

  testIf(absent, 'operations wait, and the process ends when none waits', async () => {
    const script = `
      const { Socket, getaddrinfo } = await import('${entry('index')}')
      const [a, b] = Socket.pair()
      for (let i = 0; i < 3; i++) {
        const waiting = b.recv(10)
        setTimeout(() => a.trySend(Buffer.from('message ' + i)), 5)
        console.log(String(await waiting))
      }
      console.log((await getaddrinfo('127.0.0.1', 80))[0].address.port)
      globalThis.kept = [a, b]
    `
    const stdout = 'message 0\nmessage 1\nmessage 2\n80\n'
    expect(await evaluate(script)).toEqual({ code: 0, signal: null, stdout, stderr: '' })
  })

  testIf(absent, 'an error that a callback throws ends the process with 1', async () => {
    const script = `
      const { Socket } = await import('${entry('index')}')
      const [a, b] = Socket.pair()
      a.toDuplex().on('data', () => { throw new Error('meant') })
      b.trySend(Buffer.from('x'))
    `
    expect(await evaluate(script)).toMatchObject({
      code: 1,
      signal: null,
      stderr: expect.stringContaining('meant') as string,
    })
  })

  testIf(missing.linux() ?? absent, 'a wait uses no processor time', async () => {
    const script = `
      const { Socket } = await import('${entry('index')}')
      const [a, b] = Socket.pair()
      const before = process.cpuUsage()
      const error = await b.recv(1, { timeout: 300 }).catch(each => each)
      const { user, system } = process.cpuUsage(before)
      console.log(error.code, user + system < 200_000)
      a.close()
      b.close()
    `
    expect(await evaluate(script)).toMatchObject({ code: 0, stdout: 'ERR_SOCKET_TIMEOUT true\n' })
  })

  testIf(absent, `toNetSocket ${name === 'Bun' ? 'is refused' : 'works'}`, async () => {
    const script = `
      const { Socket } = await import('${entry('index')}')
      const [a, b] = Socket.pair()
      try {
        const socket = a.toNetSocket()
        b.trySend(Buffer.from('works'))
        socket.once('data', data => { console.log(String(data)); socket.destroy(); b.close() })
      } catch (error) {
        console.log(error.code, a.closed)
      }
    `
    const stdout = name === 'Bun' ? 'ERR_FEATURE_UNAVAILABLE false\n' : 'works\n'
    expect(await evaluate(script)).toMatchObject({ code: 0, stdout })
  })
})
