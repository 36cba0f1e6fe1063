import type { OutgoingMessage } from '../../operations/message'
import type { Op } from '../../validators'
import type { BaseSocket } from '../base'

/** Describes the operations that a stream needs from the socket it owns. */
export interface Source extends BaseSocket {
  send(data: ArrayBufferView, op?: Op): Promise<number>
  sendAll(data: ArrayBufferView, op?: Op): Promise<void>
  sendmsg(message: OutgoingMessage, op?: Op): Promise<number>
  trySend(data: ArrayBufferView): number | null
  trySendmsg(message: OutgoingMessage): number | null
  writable(op?: Op): Promise<void>
  reset(): void
}
