import { native } from '../binding/binding'
import { STATE_SECOND } from '../binding/shared'
import { constants, nameOf } from '../constants'
import { closed, systemError } from '../errors'
import { EPERM } from '../errors/errno'
import { refusal, refusedTimeout } from '../errors/refusals'
import type { CodecContext } from '../options/codec'
import type { OptionCalls } from '../options/option'
import { reactor } from '../reactor'
import type { Channel } from '../reactor/channel'
import { byteLengthOf } from '../struct'
import { checkBytes } from '../validators'

/** The parts of a socket that options use. */
interface OptionSocket {
  readonly channel: Channel
  readonly closed: boolean
}

/** Throws the error of a failed call, or the error of a closed socket. */
export function check(
  socket: OptionSocket,
  syscall: string,
  result: number,
  address: Uint8Array | null = null,
  subject?: string,
): void {
  if (socket.closed) throw closed(syscall)
  if (result >= 0) return
  throw systemError(syscall, result, {
    address: address === null ? null : socket.channel.network.addresses.decode(address),
    subject,
  })
}

/**
 * Throws the error of a failed call that names an option or a request.
 *
 * Native code marks its own EPERM with a reason, to distinguish it from the kernel's. The error then names the request.
 */
export function checkOption(
  socket: OptionSocket,
  syscall: string,
  result: number,
  subject: string,
  request?: number,
): void {
  const reason = result === EPERM ? reactor.memory.state[STATE_SECOND]! : 0
  if (reason === 0 || socket.closed) return check(socket, syscall, result, null, subject)
  const what = request === undefined ? subject : describeRequest(request)
  throw systemError(syscall, result, { subject: what, refused: refusal(reason, what) })
}

/** The timeouts of blocking calls. */
const blockingTimeouts = ['SO_RCVTIMEO', 'SO_SNDTIMEO'].flatMap(name =>
  // uncovered: only on a system without this constant
  ['', '_NEW', '_OLD'].flatMap(suffix => constants[name + suffix] ?? []),
)

/** Throws `EPERM` for an option that would have no effect, because the socket never blocks. */
function refuseTimeout(socket: OptionSocket, level: number, name: number): void {
  if (level !== constants.SOL_SOCKET || !blockingTimeouts.includes(name)) return
  check(socket, 'setsockopt', 0)
  throw systemError('setsockopt', EPERM, { subject: describeOption(level, name), refused: refusedTimeout })
}

/** Sets an option to `size` bytes of a value, and keeps what operations have to know. setsockopt(2) */
export function setOptionBytes(
  socket: OptionSocket,
  level: number,
  name: number,
  bytes: ArrayBufferView | null,
  size: number,
): void {
  refuseTimeout(socket, level, name)
  const { channel } = socket
  const result = native.setsockopt(channel.id, level, name, bytes, size)
  if (result < 0) checkOption(socket, 'setsockopt', result, describeOption(level, name))
  if (level !== constants.SOL_SOCKET) return
  if (name === constants.SO_RCVLOWAT) learnLowWater(channel)
  const sender = channel.extras?.zeroCopy ?? null
  if (sender !== null && name === constants.SO_ZEROCOPY) sender.enabled = false
}

/** Reads SO_RCVLOWAT back: a receive waits for that many bytes. */
function learnLowWater(channel: Channel): void {
  const value = new Int32Array(1)
  if (native.getsockopt(channel.id, constants.SOL_SOCKET!, constants.SO_RCVLOWAT!, value) < 0) return
  if (value[0]! > 1 || channel.extras !== null) channel.ensureExtras().lowWater = value[0]!
}

/** A `struct linger` that resets the connection on close: enabled, with no time. */
const RESETS = Int32Array.of(1, 0)

/** Makes the close of a TCP socket reset the connection. socket(7), SO_LINGER */
export function resetWhenClosed(channel: Channel): void {
  native.setsockopt(channel.id, constants.SOL_SOCKET!, constants.SO_LINGER!, RESETS, RESETS.byteLength)
}

/** Makes the system calls of typed options on one socket. */
export class SocketOptions implements OptionCalls {
  constructor(private readonly socket: OptionSocket) {}

  get context(): CodecContext {
    return this.socket.channel.network.context
  }

  get(level: number, name: number, size: number, request?: Uint8Array): Buffer {
    const { socket } = this
    const bytes = Buffer.allocUnsafe(size).fill(0)
    if (request !== undefined) bytes.set(request)
    const length = native.getsockopt(socket.channel.id, level, name, bytes)
    if (length < 0) checkOption(socket, 'getsockopt', length, describeOption(level, name))
    return length === size ? bytes : bytes.subarray(0, length)
  }

  set(level: number, name: number, value: Uint8Array): void {
    const bytes = checkBytes('value', value)
    setOptionBytes(this.socket, level, name, bytes, byteLengthOf(bytes))
  }

  setProgram(level: number, name: number, instructions: Uint8Array): void {
    const { socket } = this
    const result = native.setProgram(socket.channel.id, level, name, instructions)
    if (result < 0) checkOption(socket, 'setsockopt', result, describeOption(level, name))
  }
}

/** Returns the C name of an option (`SO_MARK`, `IP_TTL`), or its numbers if it is unknown. */
export function describeOption(level: number, name: number): string {
  const prefixes: [number | undefined, string][] = [
    [constants.SOL_SOCKET, 'SO_'],
    [constants.IPPROTO_IP, 'IP_'],
    [constants.IPPROTO_IPV6, 'IPV6_'],
    [constants.IPPROTO_TCP, 'TCP_'],
    [constants.IPPROTO_UDP, 'UDP_'],
    [constants.SOL_PACKET, 'PACKET_'],
    [constants.SOL_NETLINK, 'NETLINK_option'],
    [constants.SOL_MPTCP, 'MPTCP_'],
    [constants.SOL_XDP, 'XDP_'],
  ]
  const prefix = prefixes.find(([number]) => number === level)?.[1]
  let text = prefix === undefined ? String(name) : nameOf(prefix, name)
  if (prefix === 'IP_' || prefix === 'IPV6_') text = text === String(name) ? nameOf('MCAST_', name) : text
  return text === String(name) ? `level ${level} option ${name}` : text
}

/** Returns the C name of an ioctl request, or its number if it is unknown. */
function describeRequest(code: number): string {
  const request = code >>> 0
  const text = nameOf('SIOC', request)
  return text === String(request) ? `0x${request.toString(16)}` : text
}
