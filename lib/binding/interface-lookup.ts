import type { InterfaceLookup } from '../address'
import { native } from './binding'

const NAME_SIZE = 16 // IF_NAMESIZE, on both systems
const name = new Uint8Array(NAME_SIZE)

/** Looks up names and indexes of network interfaces in the kernel. */
export const interfaces: InterfaceLookup = {
  indexOf(text) {
    const index = native.if_nametoindex(Buffer.from(text))
    return index > 0 ? index : 0
  },
  nameOf(index) {
    const length = native.if_indextoname(index, name)
    return length < 0 ? null : Buffer.from(name.subarray(0, length)).toString()
  },
}
