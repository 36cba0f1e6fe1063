import { Socket, constants } from '../../lib'
import { systemError } from '../../lib/errors'
import { native } from '../../lib/binding/binding'
import type { OptionCalls } from '../../lib/options'
import { hostContext } from '../../lib/options/context'

/** Returns the system calls of options for a socket. A request is passed in the buffer that receives the answer. */
export function callsOf(socket: Socket): OptionCalls {
  return {
    context: hostContext,
    get(level, option, size, request) {
      if (request === undefined) return socket.getsockopt(level, option, size)
      const bytes = Buffer.alloc(size)
      bytes.set(request)
      const length = native.getsockopt(socket.channel.id, level, option, bytes)
      if (length < 0) socket.getsockopt(level, option, size)
      return bytes.subarray(0, length)
    },
    set: (level, option, value) => socket.setsockopt(level, option, value),
    setProgram(level, option, instructions) {
      const result = native.setProgram(socket.channel.id, level, option, instructions)
      if (result < 0) throw systemError('setsockopt', result)
    },
  }
}

const c = constants as Readonly<Record<string, number>>

/** Makes sockets of every kind that has options, and closes them together. */
export class Sockets {
  readonly #open: Socket[] = []

  closeAll(): void {
    for (const socket of this.#open.splice(0)) socket.close()
  }

  open(family: string, type: string, protocol = 0): Socket {
    return this.#keep(new Socket(c[family], c[type], protocol))
  }

  #keep(socket: Socket): Socket {
    this.#open.push(socket)
    return socket
  }

  tcp = (): Socket => this.open('AF_INET', 'SOCK_STREAM')
  tcp6 = (): Socket => this.open('AF_INET6', 'SOCK_STREAM')
  udp = (): Socket => this.open('AF_INET', 'SOCK_DGRAM')
  udp6 = (): Socket => this.open('AF_INET6', 'SOCK_DGRAM')
  udplite = (): Socket => this.open('AF_INET', 'SOCK_DGRAM', c['IPPROTO_UDPLITE'])
  icmp = (): Socket => this.open('AF_INET', 'SOCK_RAW', c['IPPROTO_ICMP'])
  icmp6 = (): Socket => this.open('AF_INET6', 'SOCK_RAW', c['IPPROTO_ICMPV6'])
  raw6 = (): Socket => this.open('AF_INET6', 'SOCK_RAW', 253)
  raw6any = (): Socket => this.open('AF_INET6', 'SOCK_RAW', c['IPPROTO_RAW'])
  unix = (): Socket => Socket.pair().map(each => this.#keep(each))[0]!
  netlink = (): Socket => this.open('AF_NETLINK', 'SOCK_RAW', c['NETLINK_ROUTE'])
  packet = (): Socket => this.open('AF_PACKET', 'SOCK_RAW')
  boundPacket = (): Socket => this.packet().bind({ interface: 'lo', protocol: c['ETH_P_ALL']! })
  vsock = (): Socket => this.open('AF_VSOCK', 'SOCK_STREAM')
  xdp = (): Socket => this.open('AF_XDP', 'SOCK_RAW')

  connected = (): Promise<Socket> => this.#accepted(this.tcp(), this.tcp(), '127.0.0.1')
  connected6 = (): Promise<Socket> => this.#accepted(this.tcp6(), this.tcp6(), '::1')
  mptcp = (): Promise<Socket> => {
    const make = (): Socket => this.open('AF_INET', 'SOCK_STREAM', c['IPPROTO_MPTCP'])
    return this.#accepted(make(), make(), '127.0.0.1')
  }

  async connectedUdp(): Promise<Socket> {
    const socket = this.udp()
    await socket.connect(['127.0.0.1', 9])
    return socket
  }

  async connectedUdp6(): Promise<Socket> {
    const socket = this.udp6()
    await socket.connect(['::1', 9])
    return socket
  }

  async #accepted(listener: Socket, client: Socket, host: string): Promise<Socket> {
    listener.bind([host, 0]).listen()
    const [server] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
    this.#keep(server)
    return client
  }
}
