// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
// Received bytes where APIs of the web take memory that no other thread shares. Compiled with "lib": ["dom"].
import { MessageBatch, type Datagram, type Socket, type SocketError } from '../../../lib'
import { createSocket } from '../../../lib/dgram'
import type { Socket as SyncSocket } from '../../../lib/sync'

export async function received(socket: Socket): Promise<void> {
  const data = await socket.recv(1500)
  const blob: Blob = new Blob([data])
  const response: Response = new Response(data)
  const hash: Promise<ArrayBuffer> = crypto.subtle.digest('SHA-256', data)
  void [blob, response, hash]

  new Blob([(await socket.recvfrom(1500)).data, (await socket.recvFds(10, 1)).data])
  const message = await socket.recvmsg(1500)
  new Blob([message.data, ...message.segments()])
  for await (const chunk of socket.chunks()) new Blob([chunk])
  for await (const each of socket.messages()) new Blob([each.data])
  socket.onMessage(each => void new Blob([each.data])).stop()
  const reader = socket.reader()
  new Blob([await reader.read(), await reader.exactly(1), await reader.until('\n'), await reader.peek(1)])
  for await (const chunk of reader) new Blob([chunk])
  for (const record of await socket.receiveErrors()) new Blob([record.data])
  new Blob([socket.tryRecv(1) ?? '', socket.tryRecvfrom(1)?.data ?? '', socket.tryRecvmsg(1)?.data ?? ''])
  new Blob([new MessageBatch({ count: 1, size: 1 }).data(0)])
  // @ts-expect-error a number is no part of a Blob
  new Blob([data.length])
}

export function others(socket: SyncSocket, datagram: Datagram, error: SocketError): void {
  new Blob([socket.recv(1), socket.recvfrom(1).data, socket.recvmsg(1).data, ...socket.chunks()])
  new Blob([datagram.data, ...datagram.segments(), error.partial ?? ''])
  createSocket('udp4', data => void new Blob([data])).on('message', data => void new Blob([data]))
}
