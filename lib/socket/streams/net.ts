import { Socket as NetSocket } from 'node:net'
import { native } from '../../binding/binding'
import {
  AF_UNIX,
  constants,
  IPPROTO_TCP,
  nameOf,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
} from '../../constants'
import { closed, SocketError } from '../../errors'
import { isInet } from '../base'
import { checkFree } from '../receiver'
import type { Source } from './source'
import { engine } from '../../runtime/engine'
import { ownFields } from '../../runtime/fields'
import { append } from '../../runtime/list'

const protocols = [0, IPPROTO_TCP, constants.IPPROTO_MPTCP]

/** Moves the file descriptor to a new net.Socket. */
export function toNetSocket(socket: Source): NetSocket {
  if (socket.closed) throw closed('toNetSocket')
  const reason = whyNot(socket)
  if (reason !== null) {
    const text = `toNetSocket: ${reason}`
    throw new SocketError(text, 'ERR_FEATURE_UNAVAILABLE', undefined, 'toNetSocket')
  }
  checkFree(socket, 'toNetSocket')
  const { channel } = socket
  const { leftover } = channel
  channel.leftover = null // detach() refuses while bytes are left over; they are passed on below
  let fd: number
  try {
    fd = socket.detach()
  } catch (error) {
    channel.leftover = leftover
    throw error
  }
  try {
    const adopted = new NetSocket(ownFields({ fd, readable: true, writable: true }))
    const kept: Uint8Array[] = []
    for (let each = leftover; each !== null; each = each.next) append(kept, each.data)
    if (kept.length > 0) adopted.unshift(Buffer.concat(kept))
    return adopted
  } catch (error) {
    native.closeFd(fd)
    throw error
  }
}

function whyNot(socket: Source): string | null {
  if (engine === 'Bun') return 'the net.Socket of Bun cannot take a file descriptor'
  const { family, type, protocol } = socket
  const known = family === AF_UNIX || (isInet(socket) && protocols.includes(protocol))
  if (type !== SOCK_STREAM || !known) {
    return `net.Socket takes TCP, MPTCP and AF_UNIX streams, not ${nameOf('AF_', family)} ${nameOf('SOCK_', type)}`
  }
  if (socket.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) === 0) return null
  return 'a listening socket is for net.Server: server.listen({ fd: socket.detach() })'
}
