// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
// The sockets of this package where code expects those of Node.
/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- this is what is tested */
import type dgram from 'node:dgram'
import http from 'node:http'
import http2 from 'node:http2'
import type net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { Socket } from '../../lib'
import { createSocket, type Socket as DgramSocket } from '../../lib/dgram'

// Newer versions of Node have bindSync and connectSync, which this class lacks. There only these methods are compared.
type Common =
  'send' | 'address' | 'remoteAddress' | 'setTTL' | 'setBroadcast' | 'addMembership' | 'getRecvBufferSize'
type Expected = 'bindSync' extends keyof dgram.Socket ? Pick<dgram.Socket, Common> : dgram.Socket
declare function takesDgram(socket: Expected): void
declare function takesNet(socket: net.Socket): void
declare function takesDuplex(stream: Duplex): void

export function datagrams(ours: DgramSocket, socket: Socket): void {
  takesDgram(ours)
  takesDgram(createSocket('udp4'))
  takesDgram(socket.toDgram())
  createSocket({ type: 'udp6', ipv6Only: true } satisfies dgram.SocketOptions, (data, sender) => {
    ours.send(data, sender.port, sender.address)
  })
  // @ts-expect-error a datagram socket is no stream
  takesNet(ours)
}

export function streams(socket: Socket): void {
  const stream = socket.toDuplex()
  takesDuplex(stream)
  takesNet(socket.toNetSocket())
  http.get({ createConnection: () => stream })
  new http.Agent().createConnection = () => stream
  new http.Server().emit('connection', stream)
  http2.connect('http://localhost', { createConnection: () => stream })
  tls.connect({ socket: stream })
  // @ts-expect-error the stream has no connect(): the socket has it
  takesNet(stream)
}
