import { isAddress, type Address } from '../address'

/** Returns the options as they are, or for an `Address` the options `host` and `port`, or `path`. */
export function endOf<T extends object>(given: T | Address): T {
  if (!isAddress(given)) return given
  return fieldsOf(given) as T
}

function fieldsOf(given: Address): object {
  if (given.kind === 'inet') return { host: given.address, port: given.port }
  if (given.kind === 'inet6') {
    const zone = given.scopeId === 0 ? '' : `%${given.scopeId}`
    return { host: given.address + zone, port: given.port }
  }
  return given.kind === 'unix' || given.kind === 'abstract' ? { path: given.path } : given
}
