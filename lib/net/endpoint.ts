import { AF_INET, AF_INET6 } from '../constants'
import { invalidType, SocketError } from '../errors'
import { portByName } from '../names/lookup'
import type { Steps } from '../names/run'
import { checkInteger } from '../errors/argument'
import { Socket } from '../socket'
import { BaseSocket } from '../socket/base'
import { isPromise } from 'node:util/types'
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
  // The bytes are exact, also if the path is not UTF-8.
  return given.kind === 'unix' || given.kind === 'abstract' ? { path: given.pathBytes } : given
}

/** Checks that a value is a Socket whose operations return promises. */
export function checkSocket(name: string, value: unknown): void {
  if (value instanceof Socket) return
  const other =
    'a Socket of bsd-sockets, and this one is of bsd-sockets/sync: Socket.adopt(other.detach()) converts it'
  const later = 'a Socket, and this is a promise: await it first'
  throw invalidType(name, value instanceof BaseSocket ? other : isPromise(value) ? later : 'Socket', value)
}

/** Checks that the options of a call are an object. Errors for the arguments of node:net say how to pass them. */
export function checkEnd(given: unknown, call: 'createServer' | 'createConnection'): void {
  if (typeof given === 'object' && given !== null) return
  const server = call === 'createServer'
  if (typeof given === 'function' && server)
    throw invalidType(
      'options',
      'an object: use serve(await createServer({ port }), handler) for a handler',
      given,
    )
  const end = typeof given === 'number' ? `{ port: ${given} }` : '{ port } or { path }'
  throw invalidType('options', `an object, such as ${end}`, given)
}

/** Checks a port: a number, or the name of a service, whose port needs a lookup. */
export function checkPort(port: unknown): number | string {
  if (typeof port !== 'string') return checkInteger('options.port', port, 0, 65535)
  // Text from the environment is refused like everywhere else, so that a port is not silently converted.
  if (!/[^\d\s]/.test(port) || port.includes('\0'))
    throw invalidType('options.port', 'a number or the name of a service', port)
  return port
}

/** Looks up the port of a service. `EAI_SERVICE` if it is unknown. */
export function* portOf(service: string, type: number): Steps<number> {
  return (yield portByName(service, type)) as number
}

/** Checks a family. 0 is any. */
export function checkFamily(family: unknown): number {
  if (family === undefined) return 0
  if (family !== AF_INET && family !== AF_INET6)
    throw invalidType('options.family', 'AF_INET or AF_INET6', family)
  return family as number
}

/** Returns the error for an address that is not of the family that the caller wants. */
export function notOfFamily(host: string): SocketError {
  const text = `getaddrinfo EAI_ADDRFAMILY ${host}: not an address of the requested family`
  return new SocketError(text, 'EAI_ADDRFAMILY', undefined, 'getaddrinfo')
}
