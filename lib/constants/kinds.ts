import type { Address } from '../address'

declare const addressOf: unique symbol
declare const kindOf: unique symbol

/**
 * The number of an address family, with the type of its addresses: `AF_INET` is a `Family<InetAddress>`.
 *
 * At run time it is a number. A function that takes any family has a parameter of type `number`.
 */
export type Family<A extends Address = Address> = number & { readonly [addressOf]: A }

/** The names of the socket types in a `SocketType`. */
export type SocketKind = 'stream' | 'dgram' | 'raw' | 'rdm' | 'seqpacket' | 'dccp'

/** The number of a socket type, with its name: `SOCK_DGRAM` is a `SocketType<'dgram'>`. At run time it is a number. */
export type SocketType<K extends SocketKind = SocketKind> = number & { readonly [kindOf]: K }
