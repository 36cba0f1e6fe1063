import { interfaceError, systemError } from '../errors'
import { native } from '../binding/binding'
import { ENOBUFS } from '../errors/errno'
import { checkInteger, checkText } from '../validators'

/** Returns the index of a network interface. `ENODEV` if no interface has this name. if_nametoindex(3) */
export function if_nametoindex(name: string): number {
  const text = checkText('name', name)
  const index = native.if_nametoindex(Buffer.from(text))
  if (index < 0) throw interfaceError(index, text)
  return index
}

const room = Buffer.alloc(16) // IF_NAMESIZE

/** Returns the name of a network interface. `ENXIO` if no interface has this index. if_indextoname(3) */
export function if_indextoname(index: number): string {
  const length = native.if_indextoname(checkInteger('index', index, 0, 0xffffffff), room)
  if (length < 0) throw systemError('if_indextoname', length, { subject: String(index) })
  return room.toString('utf8', 0, length)
}

/** Returns the index and the name of every network interface. if_nameindex(3) */
export function if_nameindex(): { index: number; name: string }[] {
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
