import type { AddressLike } from '../../address'
import { invalidType } from '../../errors'
import { ownFields } from '../../runtime/fields'
import { checkPort } from './arguments'

/** The options of `bind`. */
export interface BindOptions {
  port?: number | undefined
  /** An IP address or a host name; on a `'unix'` socket the path. */
  address?: string | undefined
  /** The path of a `'unix'` socket. */
  path?: string | undefined
  /** Has no effect: exists for code that uses `node:cluster`. */
  exclusive?: boolean | undefined
  /** An open socket to take over. The other options have no effect then. */
  fd?: number | undefined
}

/** What to bind to: a descriptor, a host and a port, or an address of another family. */
export interface BindTarget {
  fd?: number
  host?: string
  port: number
  path?: AddressLike
}

/** Reads the arguments of `bind`. */
export function bindTarget(given: readonly unknown[], version: 0 | 4 | 6): BindTarget {
  const first = given[0] // no destructuring: it would run a changed Array.prototype[Symbol.iterator]
  const second = given[1]
  const options: BindOptions =
    typeof first === 'object' &&
    first !== null &&
    version === 0 &&
    !('path' in first || 'address' in first || 'fd' in first)
      ? { path: first as never }
      : typeof first === 'object' && first !== null
        ? ownFields(first)
        : {
            port: typeof first === 'function' ? undefined : (first as number),
            address: typeof second === 'function' ? undefined : (second as string),
          }
  const { fd, port, address, path } = options
  if (typeof fd === 'number' && fd >= 0) return { fd, port: 0 }
  if (version === 0) return { port: 0, path: path ?? address ?? (port as unknown as AddressLike) }
  if (typeof address !== 'string' && address) throw invalidType('address', 'string', address)
  return {
    // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- '' is no address either
    host: address || (version === 6 ? '::' : '0.0.0.0'),
    port: port == null ? 0 : checkPort(port, 0),
  }
}
