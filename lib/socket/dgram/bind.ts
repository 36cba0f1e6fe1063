import type { AddressLike } from '../../address'
import { invalidType } from '../../errors'
import { ownFields } from '../../runtime/fields'
import { checkPort } from './arguments'

const { hasOwn } = Object

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
  fd: number | undefined
  host: string | undefined
  port: number
  path: AddressLike | undefined
}

/** Reads the arguments of `bind`. */
export function bindTarget(given: readonly unknown[], version: 0 | 4 | 6): BindTarget {
  const first = given[0] // no destructuring: it would run a changed Array.prototype[Symbol.iterator]
  const second = given[1]
  const options: BindOptions = ownFields(
    typeof first !== 'object' || first === null
      ? {
          port: typeof first === 'function' ? undefined : (first as number),
          address: typeof second === 'function' ? undefined : (second as string),
        }
      : version !== 0 || isOptions(first)
        ? first
        : { path: first as never },
  )
  const { fd, port, address, path } = options
  const target: BindTarget = { fd: undefined, host: undefined, port: 0, path: undefined }
  if (typeof fd === 'number' && fd >= 0) return { ...target, fd }
  if (version === 0) return { ...target, path: path ?? address ?? (port as unknown as AddressLike) }
  if (typeof address !== 'string' && address) throw invalidType('address', 'string', address)
  return {
    ...target,
    // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- '' is no address either
    host: address || (version === 6 ? '::' : '0.0.0.0'),
    port: port == null ? 0 : checkPort(port, 0),
  }
}

/** True for options of a `'unix'` socket, false for an address. */
function isOptions(given: object): boolean {
  return hasOwn(given, 'path') || hasOwn(given, 'address') || hasOwn(given, 'fd')
}
