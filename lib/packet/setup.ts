import type { PacketAddress } from '../address'
import { bpf } from '../bpf'
import { Program } from '../bpf/program'
import { interfaceError, invalidType, outOfRange, unsupported } from '../errors'
import { native } from '../binding/binding'
import { constants, SOCK_DGRAM, SOCK_RAW } from '../constants'
import { platform } from '../host'
import { checkOptions } from '../validators'
import { checkBoolean, checkInteger, checkText } from '../errors/argument'
import { ownFields } from '../runtime/fields'
import * as options from '../options/all'
import type { FilterProgram } from '../options/codec'
import { Socket } from '../socket'
import { checkRing, openRing, type RingOptions } from './ring'

const modes = ['hash', 'lb', 'cpu', 'rollover', 'rnd', 'qm', 'cbpf', 'ebpf'] as const

/** How several sockets share the frames of an interface. PACKET_FANOUT of packet(7) */
export interface FanoutOptions {
  /** The number of the group, 0 to 65535. Default: the kernel chooses an unused number, which `fanout()` returns. */
  id?: number | undefined
  /**
   * How the kernel chooses the socket for a frame. `'hash'`: by flow; `'lb'`: round robin; `'cpu'`: by the CPU that
   * received it; `'rollover'`: the first socket with room; `'rnd'`: at random; `'qm'`: by the queue of the device;
   * `'cbpf'`, `'ebpf'`: by `program`.
   */
  mode: (typeof modes)[number]
  /** If true, reassembles IP fragments first, so that all packets of a flow go to the same socket. */
  defrag?: boolean | undefined
  /** If true and the chosen socket is full, the frame goes to the next socket. */
  rollover?: boolean | undefined
  /**
   * The program for `'cbpf'`: its result modulo the number of sockets chooses the socket. For `'ebpf'`, a descriptor.
   */
  program?: FilterProgram | number | undefined
}

/** The options of openPacket. */
export interface PacketOptions {
  /** The name or the index of the interface; 0 is every interface. */
  interface: string | number
  /** The protocol to receive, `ETH_P_*` in host byte order. Default `ETH_P_ALL`. */
  protocol?: number | undefined
  /** A filter from `bpf.compile`, `bpf.assemble` or `bpf.parse`. Frames that it rejects are never received. */
  filter?: FilterProgram | undefined
  /** If true, also receives frames for other hosts, while the socket is open. Default false. */
  promiscuous?: boolean | undefined
  /** If true, does not receive frames that this host sends. Default false. Linux 4.20. */
  ignoreOutgoing?: boolean | undefined
  /** If true, frames have no link-layer header (SOCK_DGRAM). Default false. */
  cooked?: boolean | undefined
  /** Joins a fanout group at once: see `PacketSocket.fanout`. */
  fanout?: FanoutOptions | undefined
  /**
   * Receives through memory that is shared with the kernel (TPACKET_V3 of packet_mmap), instead of one recvmsg(2) for
   * each frame. If the kernel refuses the ring, recvmsg(2) is used, and `ring` of the socket is false.
   */
  ring?: boolean | RingOptions | undefined
  /** The network namespace to open the socket in, as a path or a descriptor: see `Socket`. */
  netns?: number | string | undefined
}

/**
 * Opens a packet socket, and sets all options before bind(2). The kernel queues no frame until bind(2) sets the
 * protocol, so every received frame has passed the filter and has a timestamp.
 */
export function openSocket(given: PacketOptions): {
  socket: Socket<PacketAddress>
  cooked: boolean
  ring: boolean
} {
  const { device, protocol, filter, shape, promiscuous, ignoreOutgoing, cooked, fanout, netns } =
    checkPacket(given)
  const type = cooked ? SOCK_DGRAM : SOCK_RAW
  const socket = new Socket<PacketAddress>(constants.AF_PACKET, type, 0, netns === undefined ? {} : { netns })
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
  // uncovered: only on a system without this constant
  if (constants.AF_PACKET === undefined) throw unsupported('AF_PACKET', 'socket')
  return checked
}

function flag(given: PacketOptions, name: 'promiscuous' | 'ignoreOutgoing' | 'cooked'): boolean {
  return checkBoolean(`options.${name}`, given[name] ?? false)
}

/** Checks a filter program here, so that the error can name the wrong instruction. */
function programOf(argument: string, value: FilterProgram): Program {
  if (value instanceof Program) return value
  if (typeof value === 'string') {
    const advice = `a program, such as bpf.compile(${JSON.stringify(String(value).slice(0, 60))})`
    throw invalidType(argument, advice, value)
  }
  if (!Array.isArray(value))
    throw invalidType(argument, 'what bpf.compile, bpf.assemble or bpf.parse returns', value)
  return bpf.assemble(value as Parameters<typeof bpf.assemble>[0])
}

/** Returns the index of an interface in the socket's network namespace, which may differ from the thread's. */
function indexOf(socket: Socket, name: string): number {
  const room = platform.layout['sizeof_ifreq_ifr_name']!
  const bytes = Buffer.from(name)
  if (bytes.length >= room || bytes.length === 0)
    throw outOfRange('options.interface', `a name of 1 to ${room - 1} bytes`, name)
  const index = native.interfaceIndex(socket.channel.id, bytes)
  if (index < 0) throw interfaceError(index, name)
  return index
}

/** Joins a fanout group (PACKET_FANOUT). The socket must be bound. Returns the number of the group. */
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
