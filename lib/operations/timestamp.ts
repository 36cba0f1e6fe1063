import { native } from '../binding/binding'
import { ERROR } from '../binding/shared'
import { AF_INET, AF_INET6, constants, nameOf, SO_ERROR, SOCK_STREAM, SOL_SOCKET } from '../constants'
import { buildControl, type Control } from '../control/walk'
import { invalidType, systemError, unsupported, withProgress } from '../errors'
import { EAGAIN, EINVAL, errnoOf } from '../errors/errno'
import { platform } from '../host'
import { control } from '../message/control'
import { controlLayout } from '../message/receive-control'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'
import { SendStamp, TimestampSender } from '../reactor/timestamp-sender'
import { get32, get64, put32 } from '../struct'
import { errorQueueOf } from './error-queue'
import { Sendmsg, type Outgoing } from './message'

const { SO_TIMESTAMPING, SIOCOUTQ, IPPROTO_TCP, TCP_INFO, SCM_TS_OPT_ID } = constants
const bit = (name: string): number => constants[`SOF_TIMESTAMPING_${name}`] ?? 0
const TX_SOFTWARE = bit('TX_SOFTWARE')
const SOFTWARE = bit('SOFTWARE')
const OPT_ID = bit('OPT_ID')
const OPT_ID_TCP = bit('OPT_ID_TCP')
const OPT_TSONLY = bit('OPT_TSONLY')
/** The stages that the caller can request for all sends, and that this send keeps. A card's time would replace ours. */
const OTHER_STAGES = bit('TX_SCHED') | bit('TX_ACK') | bit('TX_COMPLETION')
const ALL_STAGES = OTHER_STAGES | TX_SOFTWARE | bit('TX_HARDWARE')

const EOPNOTSUPP = errnoOf('EOPNOTSUPP')
const TCP_CLOSE = 7
const TCP_LISTEN = 10

/** The result of `sendmsg` with `timestamp: true`. */
export interface TimestampedSend {
  /** The number of bytes sent. On a stream it may be less than the size of the data. */
  bytes: number
  /** When the kernel handed the packet to the device, in nanoseconds since 1970, as `clock.realtimeNs()`. */
  timestamp: bigint
}

/** What a send needs to know about its socket. */
export interface Timestamped {
  readonly family: number
  readonly type: number
  readonly protocol: number
}

/** Checks the fields of a message with a timestamp. `now` is true if the call must not wait. */
export function checkTimestamp(timestamp: unknown, segmentSize: unknown, now: boolean): void {
  if (timestamp !== true) throw invalidType('message.timestamp', 'boolean', timestamp)
  if (now)
    throw invalidType('message.timestamp', 'absent, because trySendmsg does not wait; use sendmsg', timestamp)
  if (segmentSize !== undefined)
    throw invalidType('message.segmentSize', 'absent together with timestamp', segmentSize)
}

/** True for TCP. Throws `ENOSYS` or `EOPNOTSUPP` if the kernel never reports timestamps of such a socket. */
export function checkTimestamped({ family, type, protocol }: Timestamped, flags: number): boolean {
  // uncovered: only on a system without this constant
  if (SO_TIMESTAMPING === undefined || constants.MSG_ERRQUEUE === undefined)
    throw unsupported('SO_TIMESTAMPING', 'sendmsg')
  const inet = family === AF_INET || family === AF_INET6
  const stream = type === SOCK_STREAM
  // Such a send starts the connection, and the kernel cannot number its bytes before.
  // uncovered: only on a system without this constant
  const connects = (flags & (constants.MSG_FASTOPEN ?? 0)) !== 0
  const tcp = !connects && inet && stream && (protocol === 0 || protocol === IPPROTO_TCP)
  const packets = type === constants.SOCK_DGRAM || type === constants.SOCK_RAW
  if (tcp || (packets && (inet || family === constants.AF_PACKET || family === constants.AF_CAN))) return tcp
  throw systemError('sendmsg', EOPNOTSUPP, {
    subject: connects
      ? 'timestamp with MSG_FASTOPEN: connect first'
      : `timestamp: ${nameOf('AF_', family)} ${nameOf('SOCK_', type)} has no transmit timestamps`,
  })
}

/** Returns the state of timestamped sends of a channel. */
function senderOf(channel: Channel): TimestampSender {
  const extras = channel.ensureExtras()
  if (extras.timestamps !== null) return extras.timestamps
  const sender = new TimestampSender()
  errorQueueOf(channel).claim(sender.claim)
  return (extras.timestamps = sender)
}

/** The value of SO_TIMESTAMPING: the flags, and the clock that the caller may have bound. */
const option = new Uint8Array(8)
let optionSize = option.length

function readFlags(channel: Channel): number {
  const result = native.getsockopt(channel.id, SOL_SOCKET, SO_TIMESTAMPING!, option.fill(0))
  if (result < 0) return result
  optionSize = result
  return get32(option, 0)
}

/** Sets the flags, and keeps the clock that readFlags has read. */
function writeFlags(channel: Channel, flags: number): number {
  put32(option, 0, flags)
  return native.setsockopt(channel.id, SOL_SOCKET, SO_TIMESTAMPING!, option, optionSize)
}

const info = new Uint8Array(256)
const queued = new Int32Array(1)

function tcpState(channel: Channel): number {
  const result = native.getsockopt(channel.id, IPPROTO_TCP!, TCP_INFO!, info)
  return result < 0 ? result : info[0]!
}

/** How many bytes of a connection the peer has acknowledged, modulo 2^32. */
function acknowledged(channel: Channel): number {
  tcpState(channel)
  const at = platform.layout.offsetof_tcp_info_tcpi_bytes_acked!
  return Number(get64(info, at) & 0xffffffffn)
}

/** How many bytes have been written to a connection, modulo 2^32. */
function written(channel: Channel): number {
  for (;;) {
    const before = acknowledged(channel)
    native.ioctl(channel.id, SIOCOUTQ!, queued)
    // An acknowledgement between the two calls would be counted twice.
    if (acknowledged(channel) === before) return (before + queued[0]!) >>> 0
  }
}

/** False after the kernel has refused SCM_TS_OPT_ID, which is new in Linux 6.13. */
let messagesHaveIds = SCM_TS_OPT_ID !== undefined

/** Sends one message, and asks for its transmit timestamp. sendmsg(2) with SO_TIMESTAMPING */
export class SendStamped extends Sendmsg {
  readonly stamp = new SendStamp()
  readonly #sender: TimestampSender
  #place = 0
  #syscall: 'sendmsg' | 'setsockopt' = 'sendmsg'

  constructor(
    private readonly socket: Channel,
    outgoing: Outgoing,
    private readonly controls: readonly Control[],
    private readonly tcp: boolean,
  ) {
    super(socket, outgoing, null)
    this.#sender = senderOf(socket)
  }

  override attempt(): number {
    this.#syscall = 'setsockopt'
    const flags = readFlags(this.socket)
    const ready = flags < 0 ? flags : this.tcp ? this.#prepareStream(flags) : this.#prepare(flags)
    if (ready < 0) return ready
    const known = !this.tcp && messagesHaveIds
    const ids = known && !this.controls.some(isId) ? [control.timestampId(this.#place)] : []
    const stages = this.controls.filter(isStages).reduce((bits, { data }) => bits | get32(data, 0), flags)
    const request = control.timestamping(TX_SOFTWARE | (stages & OTHER_STAGES))
    this.control = buildControl(controlLayout, [
      ...this.controls.filter(each => !isStages(each)),
      ...ids,
      request,
    ])
    this.#syscall = 'sendmsg'
    const result = super.attempt()
    if (result === EINVAL && ids.length > 0) return this.#withoutIds()
    if (result >= 0) this.#accepted(result)
    return result
  }

  // Before Linux 6.13 the kernel does not know SCM_TS_OPT_ID. EINVAL can also mean that the message is invalid.
  #withoutIds(): number {
    messagesHaveIds = false
    const result = this.attempt()
    messagesHaveIds = result < 0 && result !== EAGAIN
    return result === EOPNOTSUPP ? EINVAL : result
  }

  #accepted(bytes: number): void {
    this.stamp.bytes = bytes
    this.#sender.accepted(this.tcp ? this.#place + bytes - 1 : this.#place, this.stamp)
    this.#sender.counted = this.#place + 1
  }

  /** Prepares a datagram. Returns −errno if the socket has no timestamps. */
  #prepare(flags: number): number {
    // A caller who has never used timestamps does not expect copies of its frames on the error queue.
    const wanted = flags | SOFTWARE | OPT_ID | (flags === 0 ? OPT_TSONLY : 0)
    if (messagesHaveIds) {
      const own = this.controls.find(isId)
      this.#place = own === undefined ? this.#sender.choose() : get32(own.data, 0)
      return wanted === flags ? 0 : writeFlags(this.socket, wanted)
    }
    // The kernel counts all timestamped sends, also those of the caller.
    if ((flags & ALL_STAGES) !== 0) return EOPNOTSUPP
    const restart = (this.#sender.idle && !this.#sender.abandoned) || (flags & OPT_ID) === 0
    this.#place = restart ? 0 : this.#sender.counted
    if (!restart) return 0
    const cleared = writeFlags(this.socket, wanted & ~OPT_ID)
    return cleared < 0 ? cleared : writeFlags(this.socket, wanted)
  }

  /** Prepares a send on TCP: makes sure that it is known where the kernel counts from. */
  #prepareStream(flags: number): number {
    const { socket } = this
    const state = tcpState(socket)
    if (state === TCP_CLOSE || state === TCP_LISTEN) return this.#unconnected()
    const wanted = flags | SOFTWARE | OPT_ID | (flags === 0 ? OPT_TSONLY : 0)
    if (this.#sender.base === null || wanted !== flags) {
      const result = this.#count(wanted)
      if (result < 0) return result
    }
    this.#place = written(socket)
    return 0
  }

  // The kernel counts from the next byte (Linux 6.2), or from the oldest one that is not acknowledged.
  #count(wanted: number): number {
    const { socket } = this
    let result: number
    let base: number
    do {
      result = writeFlags(socket, wanted & ~(OPT_ID | OPT_ID_TCP))
      base = written(socket)
      if (result >= 0 && OPT_ID_TCP !== 0) result = writeFlags(socket, wanted | OPT_ID_TCP)
      if (OPT_ID_TCP !== 0 && result !== EINVAL) break
      base = acknowledged(socket)
      result = writeFlags(socket, wanted & ~OPT_ID_TCP)
    } while (result >= 0 && acknowledged(socket) !== base)
    this.#sender.base = base
    return result
  }

  /** Returns the operation that waits for the timestamp, after the message was sent. */
  receive(): ReceiveTimestamp {
    return new ReceiveTimestamp(this.socket, this.stamp, this.tcp)
  }

  // The kernel's own error of a send. Such a send would start a connection with TCP_FASTOPEN_CONNECT.
  #unconnected(): number {
    this.#syscall = 'sendmsg'
    const error = Int32Array.of(0)
    native.getsockopt(this.socket.id, SOL_SOCKET, SO_ERROR, error)
    return error[0] === 0 ? errnoOf('EPIPE') : -error[0]!
  }

  override failure(result: number): Error {
    if (this.#syscall === 'sendmsg') return super.failure(result)
    const before =
      result === EOPNOTSUPP
        ? ': before Linux 6.13, not together with SOF_TIMESTAMPING_TX_* for all sends'
        : ''
    return systemError('setsockopt', result, { subject: `SO_TIMESTAMPING${before}` })
  }
}

const isId = ({ level, type }: Control): boolean => level === SOL_SOCKET && type === SCM_TS_OPT_ID
const isStages = ({ level, type, data }: Control): boolean =>
  level === SOL_SOCKET && type === SO_TIMESTAMPING && data.length === 4

/** Waits for the timestamp of a send. */
class ReceiveTimestamp extends Operation<TimestampedSend> {
  constructor(
    private readonly channel: Channel,
    private readonly stamp: SendStamp,
    private readonly tcp: boolean,
  ) {
    super()
  }

  get direction(): typeof ERROR {
    return ERROR
  }

  get syscall(): string {
    return 'sendmsg'
  }

  attempt(): number {
    const done = (): boolean => this.stamp.time !== null
    if (done()) return 0
    reactor.serveOthers(this.channel) // see ReceiveErrors
    const result = errorQueueOf(this.channel).drain(done)
    if (done()) return 0
    if (result < 0 && result !== EAGAIN) return result
    // The kernel drops the bytes of a connection that ended, and no record comes.
    return this.tcp && tcpState(this.channel) === TCP_CLOSE ? errnoOf('ECONNRESET') : EAGAIN
  }

  value(): TimestampedSend {
    const { bytes, time } = this.stamp
    return { bytes, timestamp: time! }
  }

  failure(result: number): Error {
    const subject = 'timestamp: the message was queued, but no timestamp came'
    return systemError('sendmsg', result, { subject })
  }

  override abandon(reason: Error): Error {
    this.channel.extras?.timestamps?.abandon(this.stamp)
    return withProgress(reason, this.stamp.bytes)
  }
}
