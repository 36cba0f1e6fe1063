import { closeSync, constants as files, openSync } from 'node:fs'
import { native } from '../binding/binding'
import { STATE_SECOND } from '../binding/shared'
import { outOfRange, SocketError, systemError, unsupported } from '../errors'
import { errnoCode } from '../errors/errno'
import { reactor } from '.'
import { checkOptions } from '../validators'
import { checkInteger, checkText } from '../errors/argument'

/** Describes the options of a new socket. */
export interface CreationOptions {
  /**
   * The network namespace to create the socket in. network_namespaces(7)
   *
   * A descriptor of the namespace, a pidfd of a process in it, a path (`/proc/1234/ns/net`), or a name of `ip
   * netns`. The socket stays in the namespace; the calling thread never enters it. Linux. Needs CAP_SYS_ADMIN over
   * the namespaces of both this process and the socket.
   */
  netns?: number | string | undefined
}

/** Describes the namespace in which a function looks up interfaces. */
export type NamespaceOptions = Pick<CreationOptions, 'netns'>

/** The directory where `ip netns add` stores its names. */
const NAMES = '/run/netns/'

/** The steps that can fail, in the order of NamespaceStep in native/sys/platform.h. */
const STEPS = ['pthread_create', 'setns', null]

/** Checks the options of a new socket and returns the namespace, if one is given. */
export function checkCreationOptions(options: CreationOptions | undefined): number | string | undefined {
  const { netns } = checkOptions('options', options, ['netns'])
  if (netns === undefined) return undefined
  if (typeof netns === 'number') return checkInteger('options.netns', netns, 0, 0x7fffffff)
  const name = checkText('options.netns', netns, 'number or string')
  if (name === '') throw outOfRange('options.netns', 'a name or a path', name)
  return name.includes('/') ? name : NAMES + name
}

/**
 * Creates a socket in a network namespace: returns the descriptor, or the −errno of socket(2). Other errors are
 * thrown.
 */
export function socketInNamespace(
  netns: number | string,
  family: number,
  type: number,
  protocol: number,
): number {
  return inNamespace(netns, namespace => native.socketIn(namespace, family, type, protocol))
}

/** Calls a function that enters the namespace: returns its result, or throws if the namespace cannot be entered. */
export function inNamespace(netns: number | string, call: (namespace: number) => number): number {
  // uncovered: the other branch is for another system
  if (process.platform !== 'linux') throw unsupported('options.netns', 'setns')
  const namespace = typeof netns === 'number' ? netns : open(netns)
  try {
    const result = call(namespace)
    const step = STEPS[reactor.memory.state[STATE_SECOND]!] ?? null
    if (result < 0 && step !== null)
      throw atPath(systemError(step, result, { subject: subject(netns) }), netns)
    return result
  } finally {
    if (typeof netns === 'string') closeSync(namespace)
  }
}

// Without O_NONBLOCK, opening a FIFO would wait for a writer.
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
