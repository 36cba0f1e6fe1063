import type { Address } from '../../address'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM } from '../../constants'
import type { Message } from '../../message'
import type { NonSharedBuffer } from '../../runtime/buffer'
import type { BaseSocket } from '../base'

/** One end of a datagram socket, as `address()` and `remoteAddress()` return it. */
export interface AddressInfo {
  /** The IP address. On AF_UNIX the path: `''` without a name, `'\0name'` for an abstract name. */
  address: string
  /** `'IPv4'`, `'IPv6'`, `'unix'`, or the `kind` of an address of another family. */
  family: string
  /** The port; 0 if the family has none. */
  port: number
}

/** The sender of a datagram. */
export interface RemoteInfo extends AddressInfo {
  /** The number of bytes of the datagram. */
  size: number
}

/** A listener for datagrams: see `Socket`. It may also be one for the RemoteInfo of node:dgram. */
export type MessageListener = {
  // A method, because the compiler compares its parameters in both directions: Node's RemoteInfo is narrower.
  /** Called with each datagram: the data, the sender, and the message that `recvmsg` returns. */
  listen(data: NonSharedBuffer, sender: RemoteInfo, message: Message): void
}['listen']

/** Returns an address in the form of node:dgram. */
export function endOf(address: Address | null): AddressInfo {
  switch (address?.kind) {
    case 'inet':
      return { address: address.address, family: 'IPv4', port: address.port }
    case 'inet6':
      return { address: withZone(address), family: 'IPv6', port: address.port }
    case 'unix':
    case 'abstract':
      return { address: address.path, family: 'unix', port: 0 }
    case undefined:
    case 'unnamed':
      return { address: '', family: 'unix', port: 0 }
    default:
      return { address: String(address), family: address!.kind, port: address!.port ?? 0 }
  }
}

/** Returns the address of IPv6 with its zone: `fe80::1%eth0`. */
function withZone(address: Address & { kind: 'inet6' }): string {
  if (address.scopeId === 0) return address.address
  const text = String(address)
  return text.slice(1, text.lastIndexOf(']'))
}

/** Converts senders. Keeps the latest, because most sockets have few peers. */
export class Senders {
  #address: Address | null = null
  #end = endOf(null)

  /** Returns the sender of a message, in a new object. */
  of(message: Message): RemoteInfo {
    if (message.address !== this.#address) {
      this.#address = message.address
      this.#end = endOf(message.address)
    }
    const { address, family, port } = this.#end
    return { address, family, port, size: message.bytes }
  }
}

/** False for a socket that must be bound before it can receive: UDP without a port, AF_UNIX without a name or peer. */
export function isReceiving(socket: BaseSocket): boolean {
  const { family, type, localAddress, remoteAddress } = socket
  if (remoteAddress !== null || type !== SOCK_DGRAM) return true
  if (family === AF_INET || family === AF_INET6) return localAddress?.port !== 0
  return family !== AF_UNIX || (localAddress !== null && localAddress.kind !== 'unnamed')
}
