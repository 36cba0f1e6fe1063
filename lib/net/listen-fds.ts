import { outOfRange, SocketError } from '../errors'
import { errnoOf } from '../errors/errno'
import { native } from '../binding/binding'
import type { BaseSocket } from '../socket/base'
import { append } from '../runtime/list'

const FIRST = 3 // SD_LISTEN_FDS_START
const MAX_FDS = 1 << 16
/** The name that sd_listen_fds_with_names(3) gives to a descriptor without a name. */
const NAMELESS = 'unknown'
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']
const kind = new Int32Array(3)

/** Implements listenFds, for one class of sockets. `environment` and `pid` are those of the process. */
export function takePassed<S extends BaseSocket>(
  Flavour: { adopt(fd: number): S },
  environment: NodeJS.ProcessEnv = process.env,
  pid: number = process.pid,
): Map<string, S[]> {
  const passed = new Map<string, S[]>()
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = environment
  if (LISTEN_PID !== String(pid) || LISTEN_FDS === undefined) return passed
  const count = /^\d{1,6}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : NaN
  if (!(count <= MAX_FDS)) throw outOfRange('LISTEN_FDS', `0 to ${MAX_FDS}`, LISTEN_FDS)
  const names = LISTEN_FDNAMES === undefined ? [] : LISTEN_FDNAMES.split(':')
  if (LISTEN_FDNAMES !== undefined && names.length !== count && count > 0)
    throw outOfRange('LISTEN_FDNAMES', `${count} names, as LISTEN_FDS says`, LISTEN_FDNAMES)
  const fds = Array.from({ length: count }, (_, i) => FIRST + i)
  for (const [i, fd] of fds.entries()) checkSocket(fd, names[i])
  const sockets = adoptAll(Flavour, fds)
  for (const name of VARIABLES) Reflect.deleteProperty(environment, name)
  for (const [i, socket] of sockets.entries()) {
    const name = names[i] ?? NAMELESS
    const group = passed.get(name)
    if (group === undefined) passed.set(name, [socket])
    else append(group, socket)
  }
  return passed
}

/** Throws if a descriptor is not a socket: nothing has been taken then. */
function checkSocket(fd: number, name: string | undefined): void {
  const failed = native.inspect(fd, kind)
  if (failed >= 0) return
  const code = failed === errnoOf('EBADF') ? 'EBADF' : 'ENOTSOCK'
  const what = code === 'EBADF' ? 'is not open' : 'is not a socket'
  const label = name === undefined ? '' : ` (${JSON.stringify(name)})`
  throw new SocketError(
    `listenFds ${code}: descriptor ${fd}${label} ${what}`,
    code,
    errnoOf(code),
    'listenFds',
  )
}

/** Takes all descriptors, or none. */
function adoptAll<S extends BaseSocket>(Flavour: { adopt(fd: number): S }, fds: readonly number[]): S[] {
  const sockets: S[] = []
  try {
    for (const fd of fds) {
      const socket = Flavour.adopt(fd)
      append(sockets, socket)
      socket.setInheritable(false)
    }
    return sockets
  } catch (error) {
    for (const socket of sockets) socket.detach()
    throw error
  }
}
