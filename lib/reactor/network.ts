import type { AddressCodec, InterfaceLookup } from '../address'
import { native } from '../binding/binding'
import { interfaces } from '../binding/interface-lookup'
import { AF_UNIX, constants, SOCK_DGRAM, SOL_SOCKET } from '../constants'
import { EBADF, ENODEV, ENXIO } from '../errors/errno'
import { addresses, platform } from '../host'
import type { CodecContext } from '../options/codec'
import { codecContext } from '../options/codecs/basic'
import { hostContext } from '../options/context'
import { SafeMap, SafeSet } from '../runtime/collections'

/** A network namespace as its sockets see it: names and indices of interfaces, and the addresses that have them. */
export interface Network {
  readonly addresses: AddressCodec
  readonly interfaces: InterfaceLookup
  /** The context of the codecs of options. */
  readonly context: CodecContext
  /** Called when a socket of the namespace has got its slot. */
  join(id: number): void
  /** Called before the socket gives its slot up. */
  leave(id: number): void
}

/** The network namespace of this process. Its interfaces can be looked up without a socket. */
export const home: Network = { addresses, interfaces, context: hostContext, join() {}, leave() {} }

const NAME_SIZE = 16 // IF_NAMESIZE
const name = new Uint8Array(NAME_SIZE)

/**
 * Another network namespace. Only its sockets can look up its interfaces (SIOCGIFINDEX, SIOCGIFNAME), so this asks one
 * that is open. It keeps no descriptor of its own: that would keep the namespace alive. When the last socket is closed,
 * interfaces have no names any more, and addresses print the index.
 */
class OtherNetwork implements Network, InterfaceLookup {
  readonly #ids = new SafeSet<number>()
  readonly #cookie: string | null
  #context: CodecContext | null = null

  constructor(cookie: string | null) {
    this.#cookie = cookie
  }

  get context(): CodecContext {
    return (this.#context ??= codecContext(platform, this))
  }

  get addresses(): AddressCodec {
    return this.context.addresses
  }

  get interfaces(): InterfaceLookup {
    return this
  }

  join(id: number): void {
    this.#ids.add(id)
    if (this.#cookie !== null) networks.set(this.#cookie, this)
  }

  leave(id: number): void {
    this.#ids.delete(id)
    if (this.#ids.size === 0 && this.#cookie !== null) networks.delete(this.#cookie)
  }

  indexOf(text: string): number {
    const index = this.#ask(id => native.interfaceIndex(id, Buffer.from(text)))
    return index > 0 ? index : 0
  }

  nameOf(index: number): string | null {
    const length = this.#ask(id => native.interfaceName(id, index, name))
    return length < 0 ? null : Buffer.from(name.subarray(0, length)).toString()
  }

  /** Returns the answer of the first socket that can answer. Sockets of some families have no such requests. */
  #ask(call: (id: number) => number): number {
    let answer: number | null = null
    this.#ids.forEach(id => {
      if (answer !== null) return
      const result = call(id)
      if (result >= 0 || result === ENODEV || result === ENXIO) answer = result
      if (result === EBADF) this.leave(id) // garbage collection has closed the socket
    })
    return answer ?? ENODEV
  }
}

/** The namespaces that have sockets of this process, by cookie. */
const networks = new SafeMap<string, OtherNetwork>()
const { SO_NETNS_COOKIE } = constants
const cookie = new Uint8Array(8)
const size = new Int32Array(1)
let ours: string | null = null

/**
 * Returns the network namespace of a socket that was not created in this thread's namespace, or perhaps was not.
 * Kernels before 5.14 have no cookie: each of their sockets counts as alone in its namespace.
 */
export function networkOf(id: number): Network {
  if (platform.os !== 'linux') return home
  const found = cookieOf(id)
  if (found === null) return new OtherNetwork(null)
  ours ??= ownCookie()
  return found === ours ? home : (networks.get(found) ?? new OtherNetwork(found))
}

function cookieOf(id: number): string | null {
  const result = native.getsockopt(id, SOL_SOCKET, SO_NETNS_COOKIE!, cookie)
  return result < 0 ? null : Buffer.from(cookie).toString('hex')
}

/** Returns the cookie of this process's namespace, or null if a new socket cannot be made to read it. */
function ownCookie(): string | null {
  const fd = native.socket(AF_UNIX, SOCK_DGRAM, 0) // not `raw`: it would stay open if a worker ended before it is closed
  if (fd < 0) return null
  size[0] = cookie.length
  const result = native.raw.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE!, cookie, size)
  native.closeFd(fd)
  return result < 0 ? null : Buffer.from(cookie).toString('hex')
}
