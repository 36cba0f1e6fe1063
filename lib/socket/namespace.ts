import { closeSync, constants as files, openSync } from 'node:fs'
import { native } from '../binding/binding'
import { STATE_SECOND } from '../binding/shared'
import { outOfRange, SocketError, systemError, unsupported } from '../errors'
import { errnoCode } from '../errors/errno'
import { reactor } from '../reactor'
import { checkInteger, checkOptions, checkText } from '../validators'

/** Where a socket is made. */
export interface CreationOptions {
  /**
   * A network namespace to make the socket in, network_namespaces(7): a descriptor of it (or a pidfd of a
   * process in it), a path (`/proc/1234/ns/net`), or a name as `ip netns` has it. The socket stays there, the
   * calling thread never goes. Linux; needs CAP_SYS_ADMIN over both this process's namespace and that one.
   */
  netns?: number | string | undefined
}

/** Where `ip netns add` keeps its names. */
const NAMES = '/run/netns/'

/** Where a creation failed, see NamespaceStep in native/sys/platform.h. */
const STEPS = ['pthread_create', 'setns', 'socket']

/** The namespace that was asked for, if any. */
export function checkCreationOptions(options: CreationOptions | undefined): number | string | undefined {
  const { netns } = checkOptions('options', options, ['netns'])
  if (netns === undefined) return undefined
  if (typeof netns === 'number') return checkInteger('options.netns', netns, 0, 0x7fffffff)
  const name = checkText('options.netns', netns, 'number or string')
  if (name === '') throw outOfRange('options.netns', 'a name or a path', name)
  return name.includes('/') ? name : NAMES + name
}

/** socket(2) inside a network namespace: the descriptor, or the −errno of socket(2); throws for the rest. */
export function socketInNamespace(
  netns: number | string,
  family: number,
  type: number,
  protocol: number,
): number {
  if (process.platform !== 'linux') throw unsupported('options.netns', 'setns')
  const namespace = typeof netns === 'number' ? netns : open(netns)
  try {
    const fd = native.socketIn(namespace, family, type, protocol)
    const step = STEPS[reactor.memory.state[STATE_SECOND]!]!
    if (fd < 0 && step !== 'socket') throw atPath(systemError(step, fd, { subject: subject(netns) }), netns)
    return fd
  } finally {
    if (typeof netns === 'string') closeSync(namespace)
  }
}

// Without O_NONBLOCK a FIFO would wait for its writer here.
function open(path: string): number {
  try {
    return openSync(path, files.O_RDONLY | files.O_NONBLOCK | files.O_NOCTTY)
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException
    if (errno === undefined) throw error
    throw atPath(new SocketError(`open ${errnoCode(errno)} ${path}`, errnoCode(errno), errno, 'open'), path)
  }
}

function subject(netns: number | string): string {
  return typeof netns === 'string' ? netns : `descriptor ${netns}`
}

function atPath(error: SocketError, netns: number | string): SocketError {
  return typeof netns === 'string' ? Object.assign(error, { path: netns }) : error
}
