import { AddressCodec, type Address } from '../address'
import { invalidType, outOfRange, systemError } from '../errors'
import { addresses, platform } from '../host'
import { native } from '../binding/binding'
import { IFF_BROADCAST, IFF_POINTOPOINT } from '../constants'
import { GETIFADDRS, type Lookup } from './lookup'
import { ADDRESS, NAME, NETMASK, OTHER, type Entry } from './reply'
import { checkCreationOptions, type NamespaceOptions } from '../reactor/namespace'
import { runIn, runNow } from './run'

/** An address of a network interface. getifaddrs(3) */
export interface InterfaceAddress {
  name: string
  /** `IFF_*`. */
  flags: number
  /** `null` for an interface without an address. Linux also reports one of kind `'packet'` for each interface. */
  address: Address | null
  netmask: Address | null
  /** The broadcast address, if `flags` has `IFF_BROADCAST`. */
  broadcast: Address | null
  /** The address of the other end, if `flags` has `IFF_POINTOPOINT`. */
  destination: Address | null
}

/** Returns the name of this host. gethostname(2) */
export function gethostname(): string {
  const bytes = Buffer.alloc(1024)
  const length = native.gethostname(bytes)
  if (length < 0) throw systemError('gethostname', length)
  return bytes.toString('utf8', 0, length)
}

/** Sets the name of this host. Needs CAP_SYS_ADMIN or root. `EINVAL` for more than 64 bytes. sethostname(2) */
export function sethostname(name: string | Uint8Array): void {
  if (typeof name !== 'string' && !(name instanceof Uint8Array))
    throw invalidType('name', 'string or Uint8Array', name)
  const bytes = Buffer.from(name)
  if (bytes.includes(0)) throw outOfRange('name', 'text without NUL', name)
  const result = native.sethostname(bytes)
  if (result < 0) throw systemError('sethostname', result, { subject: JSON.stringify(bytes.toString()) })
}

/**
 * Returns all addresses of all network interfaces: of this process's network namespace, or of `options.netns`.
 * getifaddrs(3)
 */
export function getifaddrs(options?: NamespaceOptions): InterfaceAddress[] {
  const netns = checkCreationOptions(options)
  if (netns === undefined) return runNow(interfaceAddresses).map(entry => interfaceAddress(entry, addresses))
  const entries = runIn(interfaceAddresses, netns)
  // No socket is left that could look up names there: the entries have them.
  const names = new Map(entries.map(entry => [indexIn(entry), entry.text(NAME)]))
  const codec = new AddressCodec(platform, {
    nameOf: index => names.get(index) ?? null,
    indexOf: name => [...names].find(([, each]) => each === name)?.[0] ?? 0,
  })
  return entries.map(entry => interfaceAddress(entry, codec))
}

const interfaceAddresses: Lookup<Entry[]> = {
  call: 'getifaddrs',
  kind: GETIFADDRS,
  first: null,
  second: null,
  numbers: [0, 0, 0, 0],
  value: entries => entries,
  failure: (_status, error) => systemError('getifaddrs', -error),
}

/** Returns the index of the interface that an entry's link-layer address has; 0 for other addresses. */
function indexIn(entry: Entry): number {
  const bytes = entry.bytes(ADDRESS)
  const address = bytes === null ? null : addresses.decode(bytes)
  return address?.kind === 'packet' ? address.index : 0
}

function interfaceAddress(entry: Entry, codec: AddressCodec): InterfaceAddress {
  const flags = entry.integers[0]
  const own = entry.bytes(ADDRESS)
  const decode = (bytes: Buffer | null): Address | null => (bytes === null ? null : codec.decode(bytes))
  const other = decode(entry.bytes(OTHER))
  return {
    name: entry.text(NAME),
    flags,
    address: decode(own),
    netmask: decode(maskOf(own, entry.bytes(NETMASK))),
    broadcast: (flags & IFF_BROADCAST) !== 0 ? other : null,
    destination: (flags & (IFF_BROADCAST | IFF_POINTOPOINT)) === IFF_POINTOPOINT ? other : null,
  }
}

// macOS ends a netmask at its last byte that is not 0, and may leave the family out.
function maskOf(address: Buffer | null, mask: Buffer | null): Buffer | null {
  if (address === null || mask === null || mask.length >= address.length) return mask
  const whole = Buffer.alloc(address.length)
  mask.copy(whole)
  address.copy(whole, 0, 0, 2)
  return whole
}
