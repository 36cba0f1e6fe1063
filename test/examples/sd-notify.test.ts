import path from 'node:path'
import { AF_UNIX, constants, SOCK_DGRAM, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run, type Ended } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { abstractName, withPath } from '../helpers/pairs'

const program = path.join(__dirname, '../../examples/sd-notify.mjs')
const linux = missing.linux()

function notify(name: string, ...args: string[]): Promise<Ended> {
  return run(process.execPath, [program, ...args], { env: { NOTIFY_SOCKET: name } })
}

/** The receiving half of a service manager. */
function manager(name: string): Socket {
  const socket = new Socket(AF_UNIX, SOCK_DGRAM)
  socket.setsockopt(constants.SOL_SOCKET!, constants.SO_PASSCRED!, 1)
  return socket.bind(name)
}

describe('examples/sd-notify.mjs', () => {
  beforeAll(ensureBuilt)

  testIf(linux, 'sd-notify.mjs sends READY and a status to a path, with the credentials of the service', () =>
    withPath(async file => {
      const service = manager(file)
      const ended = notify(file, '--ready', '--status', 'serving 7 clients')
      const message = await service.recvmsg(500, { timeout: 10000 })
      service.close()
      expect(await ended).toMatchObject({ code: 0, stdout: '', stderr: '' })
      expect(String(message.data)).toBe('READY=1\nSTATUS=serving 7 clients')
      expect(message.meta.credentials).toMatchObject({ uid: process.getuid!(), gid: process.getgid!() })
      expect(message.meta.credentials!.pid).toBeGreaterThan(1)
    }),
  )

  testIf(linux, 'sd-notify.mjs sends other assignments to an abstract name', async () => {
    const name = abstractName()
    const service = manager(name)
    const ended = notify(name.replace('\0', '@'), 'WATCHDOG=1', '--stopping')
    const { data } = await service.recvmsg(500, { timeout: 10000 })
    service.close()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(String(data)).toBe('STOPPING=1\nWATCHDOG=1')
  })

  testIf(linux ?? missing.root(), 'sd-notify.mjs notifies for another process, with its pid', async () => {
    const name = abstractName()
    const service = manager(name)
    const ended = notify(name.replace('\0', '@'), '--ready', '--pid', String(process.pid))
    const { data, meta } = await service.recvmsg(500, { timeout: 10000 })
    service.close()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(String(data)).toBe(`READY=1\nMAINPID=${process.pid}`)
    expect(meta.credentials!.pid).toBe(process.pid)
  })

  testIf(
    linux,
    'sd-notify.mjs reports a missing manager, a missing NOTIFY_SOCKET, and invalid arguments',
    async () => {
      await withPath(async file => {
        expect(await notify(file, '--ready')).toMatchObject({
          code: 1,
          stderr: `sd-notify: sendmsg ENOENT ${file}\n`,
        })
      })
      expect(await notify('', '--ready')).toMatchObject({ code: 3 })
      expect(await notify('/x')).toMatchObject({ code: 2 })
      expect(await notify('/x', 'ready')).toMatchObject({ code: 2 })
    },
  )
})
