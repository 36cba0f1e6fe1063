// Compiled by types.test.ts, never run: the line below @ts-expect-error must be an error.
import {
  codecs,
  defineOption,
  getOption,
  options,
  query,
  setOption,
  type OptionCalls,
  type ReadableOption,
  type SocketOption,
  type PacketMreq,
  type PortRange,
  type SockTxtime,
  type TcpInfo,
  type TcpRepairWindow,
  type TpacketStats,
  type Ucred,
  type XdpStatistics,
  type XdpUmemReg,
  type WritableOption,
} from '../../lib/options'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(answer: Same<A, B>): void

/** The methods of Socket for options. */
declare const socket: {
  get<T>(option: ReadableOption<T>): T
  set<T>(option: WritableOption<T>, value: NoInfer<T>): void
}
declare const calls: OptionCalls

export function reading(): void {
  const keepAlive = socket.get(options.SO_KEEPALIVE)
  same<typeof keepAlive, boolean>(true)
  const info = socket.get(options.TCP_INFO)
  same<typeof info, TcpInfo>(true)
  same<typeof info.tcpi_rtt, number>(true)
  same<typeof info.tcpi_bytes_acked, bigint | undefined>(true)
  const { pid } = socket.get(options.SO_PEERCRED)
  same<typeof pid, number>(true)
  const rate = socket.get(options.SO_MAX_PACING_RATE)
  same<typeof rate, bigint>(true)
  const error = getOption(calls, options.SO_ERROR)
  same<typeof error, number>(true)
  const length = socket.get(query(options.PACKET_HDRLEN, 1))
  same<typeof length, number>(true)

  // @ts-expect-error the option can only be set
  socket.get(options.SO_SNDBUFFORCE)
  // @ts-expect-error the option can only be set
  getOption(calls, options.IP_ADD_MEMBERSHIP)
  // @ts-expect-error a number is no option
  socket.get(2)
  // @ts-expect-error the option is undefined on older kernels
  info.tcpi_bytes_acked.toString()
  // @ts-expect-error the argument has the type of the option
  query(options.PACKET_HDRLEN, 'v2')
}

export function writing(): void {
  socket.set(options.SO_KEEPALIVE, true)
  socket.set(options.SO_LINGER, { on: true, seconds: 5 })
  socket.set(options.SO_MAX_PACING_RATE, 1000)
  socket.set(options.SO_MAX_PACING_RATE, 1000n)
  socket.set(options.IP_ADD_MEMBERSHIP, { group: '239.1.1.1', interface: 'eth0' })
  socket.set(options.SO_TIMESTAMPING, 16)
  socket.set(options.TCP_CONGESTION, 'bbr')
  setOption(calls, options.IP_TTL, 3)

  // @ts-expect-error on and off are booleans
  socket.set(options.SO_KEEPALIVE, 1)
  // @ts-expect-error a number is no text
  socket.set(options.TCP_CONGESTION, 1)
  // @ts-expect-error text is no number
  setOption(calls, options.IP_TTL, '3')
  // @ts-expect-error seconds are missing
  socket.set(options.SO_LINGER, { on: true })
  // @ts-expect-error the group is missing
  socket.set(options.IP_ADD_MEMBERSHIP, { interface: 'eth0' })
  // @ts-expect-error the option can only be read
  socket.set(options.SO_ERROR, 0)
  // @ts-expect-error the option can only be read
  setOption(calls, options.TCP_INFO, {})
  // @ts-expect-error an option with an argument can only be read
  socket.set(query(options.IP_TTL, 1), 1)
  // @ts-expect-error an option that does not exist
  socket.set(options.SO_KEEPALIV, true)
}

export function declaring(): void {
  const mine = defineOption({ name: 'SO_MINE', level: 1, option: 99, codec: codecs.uint32, access: 'both' })
  const asType: SocketOption<number> = mine
  const ttl: SocketOption<number> = options.IP_TTL
  void [asType, ttl]
  socket.set(mine, 5)
  const value = socket.get(mine)
  same<typeof value, number>(true)

  const readOnly = defineOption({ name: 'SO_MINE', level: 1, option: 99, codec: codecs.bool, access: 'get' })
  // @ts-expect-error declared as read only
  socket.set(readOnly, true)
  // @ts-expect-error unknown access
  defineOption({ name: 'SO_MINE', level: 1, option: 99, codec: codecs.bool, access: 'read' })
  // @ts-expect-error the codec is missing
  defineOption({ name: 'SO_MINE', level: 1, option: 99, access: 'get' })

  const packet = defineOption({
    name: 'PACKET_MINE',
    level: undefined,
    option: 1,
    codec: codecs.struct('packet_mreq', { mr_ifindex: 'int', mr_address: 'bytes' }, { mr_alen: 'uint' }),
    access: 'both',
  })
  const fields = socket.get(packet)
  same<typeof fields.mr_address, Buffer>(true)
  same<typeof fields.mr_alen, number | undefined>(true)
  socket.set(packet, { mr_ifindex: 1, mr_address: new Uint8Array(8) })
  // @ts-expect-error a field is missing
  socket.set(packet, { mr_ifindex: 1 })
}

export function named(): void {
  same<ReturnType<typeof socket.get<Ucred>>, Ucred>(true)
  const cred: Ucred = socket.get(options.SO_PEERCRED)
  const statistics: TpacketStats = socket.get(options.PACKET_STATISTICS)
  const range: PortRange = socket.get(options.IP_LOCAL_PORT_RANGE)
  const window: TcpRepairWindow = socket.get(options.TCP_REPAIR_WINDOW)
  const xdp: XdpStatistics = socket.get(options.XDP_STATISTICS)
  void [cred, statistics, range, window, xdp]
  socket.set(options.SO_TXTIME, { clockid: 1, flags: 0 } satisfies SockTxtime)
  socket.set(options.PACKET_ADD_MEMBERSHIP, { mr_ifindex: 1, mr_type: 0 } satisfies PacketMreq)
  socket.set(options.XDP_UMEM_REG, { addr: 0, len: 1n, chunk_size: 2048, headroom: 0 } satisfies XdpUmemReg)
  // @ts-expect-error the credentials can only be read
  socket.set(options.SO_PEERCRED, { pid: 1, uid: 1, gid: 1 })
  // @ts-expect-error a field is missing
  socket.set(options.SO_TXTIME, { clockid: 1 })
  // @ts-expect-error a field that does not exist
  socket.set(options.SO_LINGER, { on: true, seconds: 1, minutes: 1 })
}
