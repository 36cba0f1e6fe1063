import { constants, nameOf } from '../constants'
import { invalidType, SocketError } from '../errors'
import { errnoOf } from '../errors/errno'
import { platform } from '../host'
import { options, type SocketOption, type ReadableOption, type WritableOption } from '../options'
import type { Channel } from '../reactor/channel'
import { ownFields } from '../runtime/fields'

/** What shall come with each message: `true` switches on, `false` off, what is absent stays as it is. */
export interface WantedMeta {
  /** `destination`, `interface`, `localAddress`. */
  packetInfo?: boolean | undefined
  /** TTL or hop limit. */
  ttl?: boolean | undefined
  /** `tos` and `ecn`. */
  tos?: boolean | undefined
  /**
   * `timestamp`, as exact as the system's microseconds or nanoseconds, or by the clock of the network card where
   * the card has been told to (SIOCSHWTSTAMP), else as with `'ns'`. The first messages may come without.
   */
  timestamp?: 'us' | 'ns' | 'hardware' | false | undefined
  /** `drops`. Linux. */
  drops?: boolean | undefined
  /** `mark`. Linux (5.19). */
  mark?: boolean | undefined
  /** `priority`. Linux (6.14). */
  priority?: boolean | undefined
  /**
   * Trains of datagrams in one message, with `segmentSize`: see `segments()`. Receive with 65535 bytes, since what
   * does not fit is lost. UDP, Linux.
   */
  gro?: boolean | undefined
  /** ICMP errors on the error queue, for `receiveErrors()`; the next call fails with them as well. Linux. */
  errors?: boolean | undefined
  /** `credentials` of the sender. AF_UNIX and netlink, Linux. */
  credentials?: boolean | undefined
  /** `pidfd` of the sender: a descriptor with every message, closed when nobody claims it. AF_UNIX, Linux (6.5). */
  pidfd?: boolean | undefined
  /** `originalDestination`. Linux. */
  originalDestination?: boolean | undefined
  /** `fragmentSize`. Linux. */
  fragmentSize?: boolean | undefined
  /** `unread`: what is left of the stream. TCP and AF_UNIX (6.17), Linux. */
  unread?: boolean | undefined
  /** `flowInfo`. AF_INET6, Linux. */
  flowInfo?: boolean | undefined
  /** `pathMtu`, in messages of their own. AF_INET6. */
  pathMtu?: boolean | undefined
  /** `auxdata` and `vlan`. AF_PACKET. */
  auxdata?: boolean | undefined
  /** `group`. Netlink. */
  group?: boolean | undefined
}

/** What is needed of a socket here. */
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

/** One option to set, and how to set it back. */
interface Step {
  readonly key: Key
  readonly name: string
  set(): void
  /** Undefined where the option cannot be read. */
  undo: (() => void) | undefined
}

const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW } = constants
const { AF_PACKET, AF_NETLINK, IPPROTO_UDP } = constants
const linux = platform.os === 'linux'

const O = options
// Tables that inherit nothing: other code may have added their keys to Object.prototype.
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
// A stream has no messages that these could come with.
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

/** The options behind a key on this kind of socket; none where it has no such thing. */
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
      // What comes by IPv4 to a dual-stack socket is told by the options of IPv4, but for its destination.
      const four = linux && type !== SOCK_RAW && key !== 'packetInfo' && !(key in anywhere)
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
 * Switches the options on and off. Whatever cannot be had is found before the first of them is set where that is
 * possible; when the kernel refuses one, those before it are set back.
 */
export function receiveMeta(socket: Configurable, want: WantedMeta): void {
  const wanted = checkWanted(want)
  const steps: Step[] = []
  for (const [key, value] of wanted) {
    if (key === 'timestamp') steps.push(...timestampSteps(socket, value))
    else {
      const switches = switchesOf(socket, key)
      if (switches.length === 0) throw lacking(key, describe(socket))
      for (const option of switches) steps.push(step(socket, key, option, value as boolean))
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
    if (key === undefined) throw invalidType('want', `an object of ${keys.join(', ')}, without ${name}`, want)
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

// Linux says EOPNOTSUPP when it is asked for an option of another family, and ENOPROTOOPT when it is too old.
function get<T>(socket: Configurable, key: Key, option: SocketOption<T>): T {
  try {
    return socket.get(option)
  } catch (error) {
    const { code } = error as SocketError
    if (code === 'EOPNOTSUPP' || code === 'ENOPROTOOPT') throw lacking(key, describe(socket), option.name)
    throw error
  }
}

// Bits that are about receiving; those about sending are somebody else's.
const RECEIVED =
  (constants['SOF_TIMESTAMPING_RX_HARDWARE'] ?? 0) | (constants['SOF_TIMESTAMPING_RX_SOFTWARE'] ?? 0)
const REPORTED =
  (constants['SOF_TIMESTAMPING_RAW_HARDWARE'] ?? 0) | (constants['SOF_TIMESTAMPING_SOFTWARE'] ?? 0)
const SENT = ['HARDWARE', 'SOFTWARE', 'SCHED', 'ACK', 'COMPLETION'].reduce(
  (bits, name) => bits | (constants[`SOF_TIMESTAMPING_TX_${name}`] ?? 0),
  0,
)

function timestampSteps(socket: Configurable, value: unknown): Step[] {
  // AF_UNIX stamps messages with the system's clock, when they are read, and streams not at all.
  if (socket.family === AF_UNIX && (socket.type === SOCK_STREAM || value === 'hardware'))
    throw lacking('timestamp', describe(socket), value === 'hardware' ? 'SO_TIMESTAMPING' : undefined)
  const steps: Step[] = []
  const hardware = value === 'hardware'
  // Each of the two takes the other away.
  for (const [option, on] of [
    [O.SO_TIMESTAMPNS, value === 'ns'],
    [O.SO_TIMESTAMP, value === 'us'],
  ] as const) {
    const exists = option.option !== undefined
    if (exists || on) steps.push(step(socket, 'timestamp', option, on))
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
    steps.push({
      key: 'timestamp',
      name: option.name,
      set: () => void socket.set(option, { ...before, flags }),
      undo: () => void socket.set(option, before),
    })
  return steps
}

// The one that is switched on goes last, since switching off the other would take it along.
const nameOfWanted = (value: unknown): string => (value === 'ns' ? 'SO_TIMESTAMPNS' : 'SO_TIMESTAMP')

function run(steps: readonly Step[]): void {
  let done = 0
  try {
    for (; done < steps.length; done++) steps[done]!.set()
  } catch (error) {
    throw explain(error as SocketError, steps[done]!.key, undo(steps.slice(0, done)))
  }
}

/** Takes back what was done; the names of what could not be. */
function undo(steps: readonly Step[]): string[] {
  const left: string[] = []
  for (const { name, undo: back } of [...steps].reverse()) {
    try {
      if (back === undefined) left.push(name)
      else back()
    } catch {
      left.push(name)
    }
  }
  return left
}

function explain(error: SocketError, key: Key, left: string[]): Error {
  const state = left.length === 0 ? 'nothing was changed' : `changed all the same: ${left.join(', ')}`
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
