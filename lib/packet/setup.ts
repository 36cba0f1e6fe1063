import { bpf } from '../bpf'
import { Program } from '../bpf/program'
import { interfaceError, invalidType, outOfRange, unsupported } from '../errors'
import { native } from '../binding/binding'
import { platform } from '../host'
import { checkInteger, checkOptions, checkText } from '../validators'
import { ownFields } from '../runtime/fields'
import * as options from '../options/all'
import type { FilterProgram } from '../options/codec'
import { Socket } from '../socket'
import { checkRing, openRing, type RingOptions } from './ring'

const constants = platform.constants
const modes = ['hash', 'lb', 'cpu', 'rollover', 'rnd', 'qm', 'cbpf', 'ebpf'] as const

/** How several sockets share the frames of an interface, PACKET_FANOUT of packet(7). */
export interface FanoutOptions {
  /** Sockets with the same number share: 0 to 65535. Default: one that nobody has, `fanout()` tells which. */
  id?: number | undefined
  /** Who gets a frame: `PACKET_FANOUT_HASH` by flow, `_LB` in turn, `_CPU`, `_ROLLOVER`, `_RND`, `_QM`, `_CBPF`, `_EBPF`. */
  mode: (typeof modes)[number]
  /** Puts fragments together first, so that a flow stays together. */
  defrag?: boolean | undefined
  /** Goes on to the next socket where the chosen one has no room. */
  rollover?: boolean | undefined
  /** Chooses for `cbpf`: its result, modulo the number of sockets, is the socket. For `ebpf` a descriptor. */
  program?: FilterProgram | number | undefined
}

/** What openPacket takes. */
export interface PacketOptions {
  /** Name or number; 0 is every interface. */
  interface: string | number
  /** `ETH_P_*` in host order. Default ETH_P_ALL. */
  protocol?: number | undefined
  /** Frames that it drops are never received: what `bpf.assemble` and `bpf.parse` return. */
  filter?: FilterProgram | undefined
  /** Also frames for others, for as long as the socket is open. Default false. */
  promiscuous?: boolean | undefined
  /** Without the frames that this host sends. Default false. Linux 4.20. */
  ignoreOutgoing?: boolean | undefined
  /** SOCK_DGRAM: data without the link-layer header. Default false. */
  cooked?: boolean | undefined
  fanout?: FanoutOptions | undefined
  /**
   * Frames come in blocks of memory that is shared with the kernel, TPACKET_V3 of packet_mmap, instead of by one
   * recvmsg(2) each. Where the kernel refuses it is recvmsg(2) after all, and `ring` of the socket false.
   */
  ring?: boolean | RingOptions | undefined
  /** A network namespace, by path or descriptor: see `Socket`. */
  netns?: number | string | undefined
}

/**
 * A packet socket that is set up before it is bound. Until bind(2) gives it a protocol the kernel queues
 * nothing, so no frame passes by the filter or comes without its timestamp.
 */
export function openSocket(given: PacketOptions): { socket: Socket; cooked: boolean; ring: boolean } {
  const { device, protocol, filter, shape, promiscuous, ignoreOutgoing, cooked, fanout, netns } =
    checkPacket(given)
  const type = cooked ? constants.SOCK_DGRAM! : constants.SOCK_RAW!
  const socket = new Socket(constants.AF_PACKET, type, 0, netns === undefined ? {} : { netns })
  try {
    const index = typeof device === 'number' ? device : indexOf(socket, device)
    if (filter !== undefined) socket.set(options.SO_ATTACH_FILTER, filter)
    const ring = shape !== null && openRing(socket, shape) === 0
    if (promiscuous) {
      const mr_type = constants.PACKET_MR_PROMISC!
      socket.set(options.PACKET_ADD_MEMBERSHIP, { mr_ifindex: index, mr_type })
    }
    if (ignoreOutgoing) socket.set(options.PACKET_IGNORE_OUTGOING, true)
    if (!ring) socket.set(options.PACKET_AUXDATA, true).set(options.SO_TIMESTAMPNS, true)
    socket.bind({ interface: index, protocol })
    if (fanout !== undefined) joinFanout(socket, fanout)
    return { socket, cooked, ring }
  } catch (error) {
    socket.close()
    throw error
  }
}

const FIELDS = [
  'interface',
  'protocol',
  'filter',
  'promiscuous',
  'ignoreOutgoing',
  'cooked',
  'fanout',
  'ring',
  'netns',
] satisfies (keyof PacketOptions)[]

function checkPacket(options: PacketOptions) {
  if (typeof options !== 'object') throw invalidType('options', 'object', options)
  const given = checkOptions('options', options, FIELDS)
  const { interface: device, protocol = 0x0003, filter, ring, fanout, netns } = given // ETH_P_ALL
  if (typeof device === 'number') checkInteger('options.interface', device, 0, 0x7fffffff)
  else checkText('options.interface', device, 'string or number')
  const checked = {
    device,
    protocol: checkInteger('options.protocol', protocol, 0, 0xffff),
    shape: checkRing(ring),
    filter: filter === undefined ? undefined : programOf('options.filter', filter),
    promiscuous: flag(given, 'promiscuous'),
    ignoreOutgoing: flag(given, 'ignoreOutgoing'),
    cooked: flag(given, 'cooked'),
    fanout,
    netns,
  }
  if (constants.AF_PACKET === undefined) throw unsupported('AF_PACKET', 'socket')
  return checked
}

function flag(given: PacketOptions, name: 'promiscuous' | 'ignoreOutgoing' | 'cooked'): boolean {
  const value: unknown = given[name] ?? false
  if (typeof value !== 'boolean') throw invalidType(`options.${name}`, 'boolean', value)
  return value
}

/** Instructions are checked here, where the error can say which one is wrong. */
function programOf(argument: string, value: FilterProgram): Program {
  if (value instanceof Program) return value
  if (typeof value === 'string') {
    const advice = `what bpf.parse makes of the output of tcpdump -ddd '${String(value).slice(0, 60)}'`
    throw invalidType(argument, advice, value)
  }
  if (!Array.isArray(value)) throw invalidType(argument, 'what bpf.assemble or bpf.parse returns', value)
  return bpf.assemble(value as Parameters<typeof bpf.assemble>[0])
}

/** The number of an interface in the socket's network namespace, which need not be this thread's. */
function indexOf(socket: Socket, name: string): number {
  const room = platform.layout['sizeof_ifreq_ifr_name']!
  const bytes = Buffer.from(name)
  if (bytes.length >= room || bytes.length === 0)
    throw outOfRange('options.interface', `a name of 1 to ${room - 1} bytes`, name)
  const index = native.interfaceIndex(socket.channel.id, bytes)
  if (index < 0) throw interfaceError(index, name)
  return index
}

/** PACKET_FANOUT; the socket has to be bound. Gives the number of the group. */
export function joinFanout(socket: Socket, given: FanoutOptions): number {
  if (typeof given !== 'object' || given === null) throw invalidType('fanout', 'object', given)
  const { id, mode, defrag = false, rollover = false, program } = ownFields(given)
  if (!modes.includes(mode)) throw outOfRange('fanout.mode', `one of ${modes.join(', ')}`, mode)
  const flags =
    (defrag ? constants.PACKET_FANOUT_FLAG_DEFRAG! : 0) |
    (rollover ? constants.PACKET_FANOUT_FLAG_ROLLOVER! : 0) |
    (id === undefined ? constants.PACKET_FANOUT_FLAG_UNIQUEID! : 0)
  const type = constants[`PACKET_FANOUT_${mode.toUpperCase()}`]!
  const group = id === undefined ? 0 : checkInteger('fanout.id', id, 0, 0xffff)
  socket.set(options.PACKET_FANOUT, { id: group, type, flags })
  if (program !== undefined) {
    const chosen = typeof program === 'number' ? program : programOf('fanout.program', program)
    socket.set(options.PACKET_FANOUT_DATA, chosen)
  }
  return socket.get(options.PACKET_FANOUT).id
}
