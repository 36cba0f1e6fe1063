// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
// Code for node:dgram, and for Node's types of it.
import dns from 'node:dns'
import type nodeDgram from 'node:dgram'
import dgram from '../../lib/dgram'
import type * as namespace from '../../lib/dgram'
import { createSocket, type LookupFunction, type SocketOptions, type SocketType } from '../../lib/dgram'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Same<A, B>): void

export function theModule(): dgram.Socket {
  same<typeof dgram.createSocket, typeof namespace.createSocket>(true)
  same<dgram.Socket, namespace.Socket>(true)
  const type: dgram.SocketType = 'udp4'
  const socket: dgram.Socket = dgram.createSocket(type)
  socket.on('message', (data: Buffer, sender: dgram.RemoteInfo) => socket.send(data, sender.port))
  // @ts-expect-error no such type of socket
  dgram.createSocket('udp5')
  return new dgram.Socket(socket as never)
}

export function listeners(type: SocketType): void {
  const listener = (data: Buffer, sender: nodeDgram.RemoteInfo): void =>
    void [data, sender.family === 'IPv6' ? sender.port : 0]
  const socket = createSocket(type, listener)
  socket.on('message', listener).once('message', listener).addListener('message', listener)
  createSocket(type, (data, sender, message) => {
    same<typeof data, ReturnType<typeof Buffer.alloc>>(true)
    same<typeof sender.family, string>(true)
    same<typeof message.flags, number>(true)
  })
  // @ts-expect-error the data is no string
  createSocket(type, (data: string) => void data)
}

export function optionsOfNode(given: nodeDgram.SocketOptions, type: nodeDgram.SocketType): void {
  createSocket(given)
  createSocket(given, (data: Buffer, sender: nodeDgram.RemoteInfo) => void [data, sender])
  createSocket(type)
  const ours: SocketOptions = given
  createSocket(ours)
}

export function lookups(): void {
  createSocket({ type: 'udp4', lookup: (name, family, callback) => dns.lookup(name, family, callback) })
  createSocket({ type: 'udp4', lookup: (_name, _family, callback) => callback(null, '127.0.0.1') })
  createSocket({ type: 'udp4', lookup: dns.lookup })
  const byNumber: LookupFunction = (name, family: 4 | 6, callback) => callback(null, name, family)
  const byOptions: LookupFunction = (name, options: dns.LookupOneOptions, callback) =>
    dns.lookup(name, options, callback)
  const ofNode: NonNullable<nodeDgram.SocketOptions['lookup']> = (name, options, callback) =>
    dns.lookup(name, options, callback)
  for (const lookup of [byNumber, byOptions, ofNode]) createSocket({ type: 'udp6', lookup })
  // @ts-expect-error the address is text
  createSocket({ type: 'udp4', lookup: (_name, _family, callback) => callback(null, 4) })
}
