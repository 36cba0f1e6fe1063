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
  Fanout,
  FilterProgram,
  FlowLabel,
  IcmpFilter,
  InterfaceLike,
  Linger,
  Md5Key,
  Md5KeyExtended,
  MulticastGroup,
  MemoryInfo,
  MptcpFullInfo,
  MptcpInfo,
  Ipv6PacketInfo,
  PeerUser,
  RingOffsets,
  RingRequest,
  SourceFilter,
  MulticastSource,
  SubflowAddresses,
  TcpInfo,
  Timestamping,
  TlsCryptoInfo,
  ZeroCopyState,
} from './codec'
