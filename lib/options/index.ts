/**
 * Contains the typed socket options, for example `socket.get(options.TCP_INFO)` or
 * `socket.set(options.SO_KEEPALIVE, true)`.
 */
export * as options from './all'
export * as codecs from './codec'
export { defineOption, getOption, query, setOption } from './option'
export type { Access, OptionCalls, ReadableOption, SocketOption, WritableOption } from './option'
export type {
  Codec,
  CodecContext,
  DmabufToken,
  Fanout,
  FilterProgram,
  FlowLabel,
  IcmpFilter,
  IcmpFilterState,
  InterfaceLike,
  Ipv6MtuInfo,
  Ipv6PacketInfo,
  Linger,
  Md5Key,
  Md5KeyExtended,
  MemoryInfo,
  MptcpFullInfo,
  MptcpInfo,
  MulticastGroup,
  MulticastSource,
  PacketMreq,
  PeerUser,
  PortRange,
  RingOffsets,
  RingRequest,
  SockTxtime,
  SourceFilter,
  SubflowAddresses,
  TcpConnectionInfo,
  TcpInfo,
  TcpRepairOption,
  TcpRepairWindow,
  Timestamping,
  TimestampingLike,
  TlsCryptoInfo,
  TpacketRolloverStats,
  TpacketStats,
  Ucred,
  XdpMmapOffsets,
  XdpStatistics,
  XdpUmemReg,
  ZeroCopyState,
} from './codec'
