import { native } from '../binding/binding'
import { DIRECT } from '../binding/memory'
import { ERROR, STATE_ADDRESS, STATE_CONTROL, STATE_FLAGS } from '../binding/shared'
import { constants, MSG_TRUNC, nameOf } from '../constants'
import { unsupported, systemError } from '../errors'
import { errnoOf, EAGAIN } from '../errors/errno'
import type { ErrorRecord } from '../errqueue/record'
import { decodeError, receiveControl } from '../message/receive-control'
import { reactor, readAddress } from '../reactor'
import type { Channel } from '../reactor/channel'
import { ErrorQueue, MAX_RECORDS_AT_ONCE } from '../reactor/error-queue'
import { Operation } from '../reactor/operation'

const withErrorQueue = new Set(
  ['AF_INET', 'AF_INET6', 'AF_PACKET', 'AF_CAN', 'AF_VSOCK', 'AF_BLUETOOTH'].map(name => constants[name]),
)

/**
 * Throws `ENOSYS` if the system has no error queues, and `EOPNOTSUPP` if the family has none. A socket of such a
 * family ignores MSG_ERRQUEUE, and the read would return data.
 */
export function checkErrorQueue(family: number): void {
  // uncovered: only on a system without this constant
  if (constants.MSG_ERRQUEUE === undefined) throw unsupported('MSG_ERRQUEUE', 'recvmsg')
  if (!withErrorQueue.has(family))
    throw systemError('recvmsg', errnoOf('EOPNOTSUPP'), {
      subject: `MSG_ERRQUEUE: ${nameOf('AF_', family)} has no error queue`,
    })
}

const MSG_ERRQUEUE = constants.MSG_ERRQUEUE ?? 0 // uncovered: only on a system without this constant
/** The size in bytes of the longest frame that a timestamp returns: a segmented send of 64 KiB and its headers. */
const FRAME_ROOM = 66 * 1024
const CONTROL_ROOM = 1024

// All channels share these buffers, because each record is decoded before the next receive. Created on first use.
let frame: Buffer | null = null
let control: Buffer | null = null

/** Returns the error queue of a channel. All reads of the queue go through this object. */
export function errorQueueOf(channel: Channel): ErrorQueue {
  return (channel.ensureExtras().errors ??= new ErrorQueue(() => readRecord(channel)))
}

function readRecord(channel: Channel): ErrorRecord | number {
  frame ??= Buffer.allocUnsafeSlow(FRAME_ROOM)
  control ??= Buffer.alloc(CONTROL_ROOM)
  const result = native.recvmsg(channel.id, [frame], control, MSG_ERRQUEUE)
  if (result < 0) return result
  const { state } = reactor.memory
  const record = {
    data: Buffer.from(frame.subarray(0, Math.min(result, FRAME_ROOM))),
    address: readAddress(channel, DIRECT, state[STATE_ADDRESS]!),
    truncated: (state[STATE_FLAGS]! & MSG_TRUNC) !== 0,
    control: receiveControl(control, state[STATE_CONTROL]!, null).control,
  }
  return decodeError(record, channel.network.addresses)
}

/** Reads the error queue until `max` records have arrived or none is left. */
abstract class ErrorQueueRead<T> extends Operation<T> {
  protected readonly queue: ErrorQueue

  constructor(
    private readonly channel: Channel,
    private readonly max: number,
  ) {
    super()
    this.queue = errorQueueOf(channel)
  }

  get direction(): typeof ERROR {
    return ERROR
  }

  get syscall(): string {
    return 'recvmsg'
  }

  attempt(): number {
    if (this.queue.size < this.max) {
      // An ICMP error is also the pending error of the socket, and reading the queue clears it. Run the waiting
      // sends and receives first, so that they fail with the error.
      reactor.serveOthers(this.channel)
      const result = this.queue.drain()
      if (result < 0 && this.queue.size === 0) return result
    }
    return this.queue.size > 0 ? this.queue.size : EAGAIN
  }

  failure(result: number): Error {
    return systemError('recvmsg', result, { subject: 'MSG_ERRQUEUE' })
  }
}

/** Receives the available records of the error queue, at least one. recvmsg(2) with MSG_ERRQUEUE */
export class ReceiveErrors extends ErrorQueueRead<ErrorRecord[]> {
  constructor(channel: Channel) {
    super(channel, MAX_RECORDS_AT_ONCE)
  }

  value(): ErrorRecord[] {
    return this.queue.take(MAX_RECORDS_AT_ONCE)
  }
}

/** Receives one record of the error queue. The others stay there for the next reader. */
export class ReceiveError extends ErrorQueueRead<ErrorRecord> {
  constructor(channel: Channel) {
    super(channel, 1)
  }

  value(): ErrorRecord {
    return this.queue.take(1)[0]!
  }
}
