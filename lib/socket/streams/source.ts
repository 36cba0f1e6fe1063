import type { OutgoingMessage } from '../nonblocking'
import type { BaseSocket } from '../base'
import type { Op } from '../../validators'

/** What a stream needs of the socket that it owns. */
export interface Source extends BaseSocket {
  recv(size: number, op?: Op): Promise<Buffer>
  recvInto(buffer: ArrayBufferView, op?: Op): Promise<number>
  sendAll(data: ArrayBufferView, op?: Op): Promise<void>
  sendmsg(message: OutgoingMessage, op?: Op): Promise<number>
}
