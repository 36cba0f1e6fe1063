import { native } from '../binding/binding'
import { STATE_SECOND, TRAITS_NONE, TRAITS_STREAM, TRAITS_UNIX, TRAITS_UNIX_STREAM } from '../binding/shared'
import { AF_INET, AF_INET6, AF_UNIX, constants, IPPROTO_TCP, nameOf, SOCK_STREAM } from '../constants'
import { closed, invalidType, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import { reactor, type PackedAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import { networkOf } from '../reactor/network'
import { memberOf } from '../runtime/fields'
import { checkFd, checkInt } from '../validators'
import { socketInNamespace } from '../reactor/namespace'
import { append } from '../runtime/list'

const { SOCK_CLOEXEC = 0, SOCK_NONBLOCK = 0 } = constants
/** The flags that C code adds to the type. Every descriptor of this package has them anyway. */
export const CREATION_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK

/** What socket(2) was called with. An accepted connection shares the object of its listening socket. */
export interface SocketArguments {
  readonly family: number
  /** Without creation flags. */
  readonly type: number
  readonly protocol: number
}

export const socketArguments: unique symbol = Symbol('socket(2)')

/** Describes an existing descriptor to the Socket constructor. Not part of the public interface. */
export class Adoption {
  constructor(
    readonly channel: Channel,
    readonly made: SocketArguments,
    /** The packed address of the peer, see packAddress; null if it is not known. */
    readonly remote: PackedAddress | null = null,
  ) {}
}

/** Returns what a short read proves: see Traits in native/shared.h. */
function traitsOf(family: number, type: number, protocol: number): number {
  if (family === AF_UNIX) return type === SOCK_STREAM ? TRAITS_UNIX_STREAM : TRAITS_UNIX
  if (type !== SOCK_STREAM) return TRAITS_NONE
  const internet = family === AF_INET || family === AF_INET6
  const tcp = internet && (protocol === 0 || protocol === IPPROTO_TCP)
  return tcp ? TRAITS_STREAM : TRAITS_NONE
}

/** Creates a socket and its channel. socket(2) */
export function create(family: number, type: number, protocol: number, netns?: number | string): Channel {
  const fd =
    netns === undefined
      ? native.socket(family, type, protocol)
      : socketInNamespace(netns, family, type, protocol)
  if (fd < 0) {
    const names = [nameOf('AF_', family), nameOf('SOCK_', type)]
    const internet = family === AF_INET || family === AF_INET6
    if (protocol !== 0) append(names, internet ? nameOf('IPPROTO_', protocol) : String(protocol))
    throw systemError('socket', fd, { subject: names.join(' ') })
  }
  const channel = adoptOrClose(fd, traitsOf(family, type, protocol))
  if (netns !== undefined) channel.enter(networkOf(channel.id))
  return channel
}

/** Takes ownership of a new descriptor, and closes it if that fails. */
function adoptOrClose(fd: number, traits: number): Channel {
  try {
    return reactor.adopt(fd, traits)
  } catch (error) {
    native.closeFd(fd)
    throw error
  }
}

/** Creates two connected sockets. socketpair(2) */
export function createPair(family: number, type: number, protocol: number): [Adoption, Adoption] {
  const [f, p] = [checkInt('family', family), checkInt('protocol', protocol)]
  const t = checkInt('type', type) & ~CREATION_FLAGS
  const made = { family: f, type: t, protocol: p }
  const first = native.socketpair(f, t, p)
  if (first < 0) {
    throw systemError('socketpair', first, { subject: `${nameOf('AF_', f)} ${nameOf('SOCK_', t)}` })
  }
  const second = reactor.memory.state[STATE_SECOND]!
  const traits = traitsOf(f, t, p)
  let one: Channel
  try {
    one = adoptOrClose(first, traits)
  } catch (error) {
    native.closeFd(second)
    throw error
  }
  try {
    return [new Adoption(one, made), new Adoption(adoptOrClose(second, traits), made)]
  } catch (error) {
    reactor.close(one)
    throw error
  }
}

const found = new Int32Array(3)

/** Takes ownership of a descriptor that is a socket. On failure the caller still owns it. */
export function adoptSocket(value: unknown): Adoption {
  if (typeof value === 'object')
    throw invalidType(
      'fd',
      'a number; use dup() to share the descriptor of an object, or detach() to take it over',
      value,
    )
  const fd = checkFd('fd', value)
  // Two owners would close the descriptor twice. The second close could hit an unrelated descriptor with the same
  // number.
  if (native.hasSlot(fd) === 1)
    throw systemError('adopt', errnoOf('EBUSY'), {
      subject: `descriptor ${fd} belongs to an open Socket; use dup()`,
    })
  const result = native.inspect(fd, found)
  if (result < 0) throw systemError('adopt', result)
  const [family, type, protocol] = [found[0]!, found[1]!, Math.max(0, found[2]!)]
  const channel = reactor.adopt(fd, traitsOf(family, type, protocol), 1)
  channel.shared = true
  channel.enter(networkOf(channel.id))
  return new Adoption(channel, { family, type, protocol })
}

/** Duplicates a descriptor with F_DUPFD_CLOEXEC and takes ownership of the duplicate. */
export function duplicateSocket(value: unknown): Adoption {
  const fd = typeof value === 'object' && value !== null ? memberOf(value, 'fd') : value
  if (fd === -1 && fd !== value) throw closed('dup') // a Socket that is closed
  const copy = native.dupFd(checkFd('fd', fd))
  if (copy < 0) throw systemError('dup', copy)
  try {
    return adoptSocket(copy)
  } catch (error) {
    native.closeFd(copy)
    throw error
  }
}
