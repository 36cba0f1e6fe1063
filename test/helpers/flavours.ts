import { Socket, type CreationOptions } from '../../lib'
import { Socket as SyncSocket } from '../../lib/sync'

/** Either Socket class, without the types of its addresses: TypeScript cannot call a union of generic constructors. */
export interface Flavour {
  new (family?: number, type?: number, protocol?: number, options?: CreationOptions): Socket | SyncSocket
  pair(family?: number, type?: number, protocol?: number): [Socket | SyncSocket, Socket | SyncSocket]
}

/** Both Socket classes by the name of their module, for describe.each. */
export const flavours: [module: string, Flavour][] = [
  ['bsd-sockets', Socket],
  ['bsd-sockets/sync', SyncSocket],
]
