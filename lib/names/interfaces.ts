import { interfaceError, systemError } from '../errors'
import { native } from '../binding/binding'
import { AF_UNIX, SOCK_DGRAM } from '../constants'
import { ENOBUFS } from '../errors/errno'
import { checkCreationOptions, socketInNamespace, type NamespaceOptions } from '../reactor/namespace'
import { reactor } from '../reactor'
import { checkInteger, checkText } from '../errors/argument'
import { getifaddrs } from './local'

/**
 * Returns the index of a network interface: of this process's network namespace, or of `options.netns`. `ENODEV` if no
 * interface has this name. if_nametoindex(3)
 */
export function if_nametoindex(name: string, options?: NamespaceOptions): number {
  const text = checkText('name', name)
  const bytes = Buffer.from(text)
  const index = ask(
    options,
    () => native.if_nametoindex(bytes),
    id => native.interfaceIndex(id, bytes),
  )
  if (index < 0) throw interfaceError(index, text)
  return index
}

const room = Buffer.alloc(16) // IF_NAMESIZE

/**
 * Returns the name of a network interface: of this process's network namespace, or of `options.netns`. `ENXIO` if no
 * interface has this index. if_indextoname(3)
 */
export function if_indextoname(index: number, options?: NamespaceOptions): string {
  const number = checkInteger('index', index, 0, 0xffffffff)
  const length = ask(
    options,
    () => native.if_indextoname(number, room),
    id => native.interfaceName(id, number, room),
  )
  if (length < 0) throw systemError('if_indextoname', length, { subject: String(index) })
  return room.toString('utf8', 0, length)
}

/**
 * Returns the index and the name of every network interface: of this process's network namespace, or of
 * `options.netns`. if_nameindex(3)
 */
export function if_nameindex(options?: NamespaceOptions): { index: number; name: string }[] {
  const netns = checkCreationOptions(options)
  if (netns !== undefined) {
    // Linux reports one link-layer address for each interface.
    const entries = getifaddrs({ netns })
    return entries.flatMap(({ name, address }) =>
      address?.kind === 'packet' ? [{ index: address.index, name }] : [],
    )
  }
  for (let size = 4096; ; size *= 4) {
    const bytes = Buffer.alloc(size)
    const length = native.if_nameindex(bytes)
    if (length === ENOBUFS) continue
    if (length < 0) throw systemError('if_nameindex', length)
    const lines = bytes.toString('utf8', 0, length).split('\n').slice(0, -1)
    return lines.map(line => {
      const space = line.indexOf(' ')
      return { index: Number(line.slice(0, space)), name: line.slice(space + 1) }
    })
  }
}

/** Asks in this process's namespace, or through a socket that is made in `options.netns` for the question. */
function ask(
  options: NamespaceOptions | undefined,
  here: () => number,
  there: (id: number) => number,
): number {
  const netns = checkCreationOptions(options)
  if (netns === undefined) return here()
  const fd = socketInNamespace(netns, AF_UNIX, SOCK_DGRAM, 0)
  if (fd < 0) throw systemError('socket', fd) // uncovered: out of descriptors between two calls
  let channel
  try {
    channel = reactor.adopt(fd, 0)
  } catch (error) {
    native.closeFd(fd)
    throw error
  }
  try {
    return there(channel.id)
  } finally {
    reactor.close(channel)
  }
}
