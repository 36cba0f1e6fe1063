import { invalidType, SocketError } from '../errors'
import { gethostname } from './local'
import {
  addressInfo,
  hostByAddress,
  isNumeric,
  type AddressInfo,
  type HostEntry,
  type Lookup,
} from './lookup'

/** Returns the address that gethostbyname returns: the first one. */
export function firstIPv4(host: HostEntry): string {
  return host.addresses[0]!
}

/** Yields the lookups that getfqdn needs. The caller runs each one and passes its answer or its error back. */
export function* fqdn(name: string): Generator<Lookup<unknown>, string, unknown> {
  if (typeof name !== 'string') throw invalidType('name', 'string', name)
  const trimmed = name.trim()
  const asked = ['', '0.0.0.0', '::'].includes(trimmed) ? gethostname() : trimmed
  try {
    let address = asked
    if (!isNumeric(asked)) {
      const [first] = (yield addressInfo(asked, null, undefined)) as AddressInfo[]
      if (first?.address.kind !== 'inet' && first?.address.kind !== 'inet6') return asked
      address = first.address.address
    }
    const host = (yield hostByAddress(address)) as HostEntry
    return [host.name, ...host.aliases].find(each => each.includes('.')) ?? host.name
  } catch (error) {
    if (error instanceof SocketError && error.name === 'SocketError') return asked
    throw error
  }
}
