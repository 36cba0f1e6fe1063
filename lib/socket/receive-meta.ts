import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  constants,
  IPPROTO_UDP,
  nameOf,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from '../constants'
import { invalidType, SocketError } from '../errors'
import { errnoOf } from '../errors/errno'
import { platform } from '../host'
import { options, type SocketOption, type ReadableOption, type WritableOption } from '../options'
import type { Channel } from '../reactor/channel'
import { ownFields } from '../runtime/fields'
import { append } from '../runtime/list'

/**
 * Selects the metadata of received messages: `true` enables a key, `false` disables it, an absent key is not
 * changed.
 */
export interface WantedMeta {
  /** Reports `destination`, `interface` and `localAddress`. */
  packetInfo?: boolean | undefined
  /** Reports `ttl`, the TTL or hop limit. */
  ttl?: boolean | undefined
  /** Reports `tos` and `ecn`. */
  tos?: boolean | undefined
  /**
   * Reports `timestamp` in microseconds, in nanoseconds, or from the clock of the network card.
   *
   * `'hardware'` requires that hardware timestamps are enabled on the card (SIOCSHWTSTAMP); else it works like
   * `'ns'`. The first messages may have no timestamp.
   */
  timestamp?: 'us' | 'ns' | 'hardware' | false | undefined
  /** Reports `drops`. Linux. */
  drops?: boolean | undefined
  /** Reports `mark`. Linux 5.19. */
  mark?: boolean | undefined
  /** Reports `priority`. Linux 6.14. */
  priority?: boolean | undefined
  /**
   * Receives several coalesced datagrams as one message with `segmentSize`: see `segments()`. UDP, Linux.
   *
   * Receive with a size of 65535 bytes, because the kernel drops bytes that do not fit.
   */
  gro?: boolean | undefined
  /** Puts ICMP errors on the error queue, for `receiveErrors()`. The next call fails with the error too. Linux. */
  errors?: boolean | undefined
  /** Reports `credentials` of the sender. AF_UNIX and netlink, Linux. */
  credentials?: boolean | undefined
  /**
   * Reports `pidfd` of the sender, a descriptor for every message. AF_UNIX, Linux 6.5.
   *
   * A descriptor that the caller does not claim is closed.
   */
  pidfd?: boolean | undefined
  /** Reports `originalDestination`. Linux. */
  originalDestination?: boolean | undefined
  /** Reports `fragmentSize`. Linux. */
  fragmentSize?: boolean | undefined
  /** Reports `unread`, the number of bytes left in the stream. TCP, and AF_UNIX since Linux 6.17. Linux. */
  unread?: boolean | undefined
  /** Reports `flowInfo`. AF_INET6, Linux. */
  flowInfo?: boolean | undefined
  /** Reports `pathMtu`, in separate messages. AF_INET6. */
  pathMtu?: boolean | undefined
  /** Reports `auxdata` and `vlan`. AF_PACKET. */
  auxdata?: boolean | undefined
  /** Reports `group`. Netlink. */
  group?: boolean | undefined
}

/** Describes the members of a socket that receiveMeta needs. */
interface Configurable {
  readonly family: number
  readonly type: number
  readonly protocol: number
  readonly channel: Channel
  get<T>(option: ReadableOption<T>): T
  set<T>(option: WritableOption<T>, value: NoInfer<T>): unknown
}

type Key = keyof WantedMeta
type Switch = SocketOption<boolean, boolean, 'both' | 'set'>

/** Sets one option, and can restore its previous value. */
interface Step {
  readonly key: Key
  readonly name: string
  set(): void
  /** Undefined if the option cannot be read. */
  undo: (() => void) | undefined
}

const { AF_PACKET, AF_NETLINK } = constants
const linux = platform.os === 'linux'

const O = options
// The tables inherit nothing, because other code may have added these keys to Object.prototype.
type Table = Partial<Record<Key, Switch[]>>
const anywhere = ownFields<Table>({
  drops: [O.SO_RXQ_OVFL],
  mark: [O.SO_RCVMARK],
  priority: [O.SO_RCVPRIORITY],
})
const inet = ownFields<Table>({
  ...anywhere,
  packetInfo: [linux ? O.IP_PKTINFO : O.IP_RECVPKTINFO],
  ttl: [O.IP_RECVTTL],
  tos: [O.IP_RECVTOS],
  errors: [O.IP_RECVERR],
  originalDestination: [O.IP_RECVORIGDSTADDR],
  fragmentSize: [O.IP_RECVFRAGSIZE],
})
const inet6 = ownFields<Table>({
  ...anywhere,
  packetInfo: [O.IPV6_RECVPKTINFO],
  ttl: [O.IPV6_RECVHOPLIMIT],
  tos: [O.IPV6_RECVTCLASS],
  errors: [O.IPV6_RECVERR],
  originalDestination: [O.IPV6_RECVORIGDSTADDR],
  fragmentSize: [O.IPV6_RECVFRAGSIZE],
  flowInfo: [O.IPV6_FLOWINFO],
  pathMtu: [O.IPV6_RECVPATHMTU],
})
// The other keys need message boundaries, which a stream does not have.
const tcp = ownFields<Table>({ unread: [O.TCP_INQ] })
const unix = ownFields<Table>({ credentials: [O.SO_PASSCRED], pidfd: [O.SO_PASSPIDFD] })

const keys: readonly Key[] = [
  'packetInfo',
  'ttl',
  'tos',
  'timestamp',
  'drops',
  'mark',
  'priority',
  'gro',
  'errors',
  'credentials',
  'pidfd',
  'originalDestination',
  'fragmentSize',
  'unread',
  'flowInfo',
  'pathMtu',
  'auxdata',
  'group',
]

/** Returns the options for a key on this kind of socket; empty if the key is not supported. */
function switchesOf(socket: Configurable, key: Key): readonly Switch[] {
  const { family, type, protocol } = socket
  const stream = type === SOCK_STREAM
  switch (family) {
    case AF_INET:
      if (stream) return key === 'errors' ? [O.IP_RECVERR] : (tcp[key] ?? [])
      if (key === 'gro') return isUdp(type, protocol) ? [O.UDP_GRO] : []
      return inet[key] ?? []
    case AF_INET6: {
      if (stream && key !== 'errors') return tcp[key] ?? []
      if (key === 'gro') return isUdp(type, protocol) ? [O.UDP_GRO] : []
      // Linux reports IPv4 packets on a dual-stack socket through the IPv4 options. It reports the destination through
      // both, and `localAddress` only through the IPv4 option.
      const four = linux && type !== SOCK_RAW && !(key in anywhere)
      return [...(inet6[key] ?? []), ...(four ? (inet[key] ?? []) : [])]
    }
    case AF_UNIX:
      return key === 'unread' && stream ? [O.SO_INQ] : (unix[key] ?? [])
    case AF_PACKET ?? -1:
      return key === 'auxdata' ? [O.PACKET_AUXDATA] : (anywhere[key] ?? [])
    case AF_NETLINK ?? -1:
      return key === 'group' ? [O.NETLINK_PKTINFO] : key === 'credentials' ? [O.SO_PASSCRED] : []
    default:
      return anywhere[key] ?? []
  }
}

function isUdp(type: number, protocol: number): boolean {
  return type === SOCK_DGRAM && (protocol === 0 || protocol === IPPROTO_UDP)
}

/**
 * Enables and disables the options. If possible, missing support is detected before any option is set. If the
 * kernel refuses an option, the options set before it are restored.
 */
export function receiveMeta(socket: Configurable, want: WantedMeta): void {
  const wanted = checkWanted(want)
  const steps: Step[] = []
  for (const [key, value] of wanted) {
    if (key === 'timestamp') for (const each of timestampSteps(socket, value)) append(steps, each)
    else {
      const switches = switchesOf(socket, key)
      if (switches.length === 0) throw lacking(key, describe(socket))
      for (const option of switches) append(steps, step(socket, key, option, value as boolean))
    }
  }
  run(steps)
  const pidfd = wanted.get('pidfd')
  if (pidfd !== undefined) socket.channel.ensureExtras().pidfds = pidfd as boolean
}

function checkWanted(want: unknown): Map<Key, unknown> {
  if (typeof want !== 'object' || want === null) throw invalidType('want', 'object', want)
  const wanted = new Map<Key, unknown>()
  for (const [name, value] of Object.entries(ownFields(want))) {
    const key = keys.find(each => each === name)
    if (key === undefined)
      throw invalidType(
        'want',
        `an object with only the keys ${keys.join(', ')}; unknown key '${name}'`,
        want,
      )
    if (value === undefined) continue
    const isFit =
      key === 'timestamp'
        ? ['us', 'ns', 'hardware', false].includes(value as never)
        : typeof value === 'boolean'
    if (!isFit)
      throw invalidType(
        `want.${key}`,
        key === 'timestamp' ? "'us', 'ns', 'hardware' or false" : 'boolean',
        value,
      )
    wanted.set(key, value)
  }
  return wanted
}

function step(socket: Configurable, key: Key, option: Switch, on: boolean): Step {
  const { name, access } = option
  if (option.level === undefined || option.option === undefined) throw lacking(key, systemName, name)
  if (access === 'set') return { key, name, set: () => void socket.set(option, on), undo: undefined }
  const readable = option as SocketOption<boolean>
  const before = get(socket, key, readable)
  if (before === on) return { key, name, set: () => undefined, undo: () => undefined }
  return {
    key,
    name,
    set: () => void socket.set(readable, on),
    undo: () => void socket.set(readable, before),
  }
}

const systemName = linux ? 'Linux' : 'macOS'

// Linux reports EOPNOTSUPP for an option of another family, and ENOPROTOOPT if the kernel is too old.
function get<T>(socket: Configurable, key: Key, option: SocketOption<T>): T {
  try {
    return socket.get(option)
  } catch (error) {
    const { code } = error as SocketError
    if (code === 'EOPNOTSUPP' || code === 'ENOPROTOOPT') throw lacking(key, describe(socket), option.name)
    throw error
  }
}

// The bits for receiving. The bits for sending belong to the caller and are not changed.
const RECEIVED =
  // uncovered: only on a system without this constant
  (constants['SOF_TIMESTAMPING_RX_HARDWARE'] ?? 0) | (constants['SOF_TIMESTAMPING_RX_SOFTWARE'] ?? 0)
const REPORTED =
  // uncovered: only on a system without this constant
  (constants['SOF_TIMESTAMPING_RAW_HARDWARE'] ?? 0) | (constants['SOF_TIMESTAMPING_SOFTWARE'] ?? 0)
const SENT = ['HARDWARE', 'SOFTWARE', 'SCHED', 'ACK', 'COMPLETION'].reduce(
  // uncovered: only on a system without this constant
  (bits, name) => bits | (constants[`SOF_TIMESTAMPING_TX_${name}`] ?? 0),
  0,
)

function timestampSteps(socket: Configurable, value: unknown): Step[] {
  // AF_UNIX has software timestamps only, taken when the message is read, and none on streams.
  if (socket.family === AF_UNIX && (socket.type === SOCK_STREAM || value === 'hardware'))
    throw lacking('timestamp', describe(socket), value === 'hardware' ? 'SO_TIMESTAMPING' : undefined)
  const steps: Step[] = []
  const hardware = value === 'hardware'
  // Setting one of these two options clears the other.
  for (const [option, on] of [
    [O.SO_TIMESTAMPNS, value === 'ns'],
    [O.SO_TIMESTAMP, value === 'us'],
  ] as const) {
    const exists = option.option !== undefined
    if (exists || on) append(steps, step(socket, 'timestamp', option, on))
  }
  steps.sort((a, b) => Number(a.name === nameOfWanted(value)) - Number(b.name === nameOfWanted(value)))
  const option = O.SO_TIMESTAMPING
  if (option.option === undefined) {
    if (hardware) throw lacking('timestamp', systemName, option.name)
    return steps
  }
  const before = get(socket, 'timestamp', option)
  let flags = before.flags & ~RECEIVED
  if (hardware) flags |= RECEIVED | REPORTED
  else if ((flags & SENT) === 0 && (before.flags & RECEIVED) !== 0) flags &= ~REPORTED
  if (flags !== before.flags)
    append(steps, {
      key: 'timestamp',
      name: option.name,
      set: () => void socket.set(option, { ...before, flags }),
      undo: () => void socket.set(option, before),
    })
  return steps
}

// The option to enable goes last, because disabling the other one afterwards would clear it.
const nameOfWanted = (value: unknown): string => (value === 'ns' ? 'SO_TIMESTAMPNS' : 'SO_TIMESTAMP')

function run(steps: readonly Step[]): void {
  let done = 0
  try {
    for (; done < steps.length; done++) steps[done]!.set()
  } catch (error) {
    throw explain(error as SocketError, steps[done]!.key, undo(steps.slice(0, done)))
  }
}

/** Restores the previous values; returns the names of the options that could not be restored. */
function undo(steps: readonly Step[]): string[] {
  const left: string[] = []
  for (const { name, undo: back } of [...steps].reverse()) {
    try {
      if (back === undefined) append(left, name)
      else back()
    } catch {
      append(left, name)
    }
  }
  return left
}

function explain(error: SocketError, key: Key, left: string[]): Error {
  const state = left.length === 0 ? 'nothing was changed' : `could not restore ${left.join(', ')}`
  const { code, errno, syscall } = error
  const foreign = code === 'EOPNOTSUPP' || code === 'ENOPROTOOPT'
  const text = `${error.message}: receiveMeta could not switch '${key}', ${state}`
  if (!(error instanceof SocketError)) return error
  return new SocketError(
    foreign ? text.replace(code, 'ENOPROTOOPT') : text,
    foreign ? 'ENOPROTOOPT' : code,
    foreign ? errnoOf('ENOPROTOOPT') : errno,
    syscall,
  )
}

function describe({ family, type }: Configurable): string {
  return `a socket of ${nameOf('AF_', family)} and ${nameOf('SOCK_', type)}`
}

function lacking(key: Key, where: string, option?: string): SocketError {
  const what = option === undefined ? `'${key}'` : `'${key}' (${option})`
  return new SocketError(
    `setsockopt ENOPROTOOPT: ${what} does not exist on ${where}; nothing was changed`,
    'ENOPROTOOPT',
    errnoOf('ENOPROTOOPT'),
    'setsockopt',
  )
}
