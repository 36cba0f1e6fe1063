/**
 * The kernel's sockets for Node.js. The README has a first example.
 */
export { Socket } from './socket'
export { SocketReader } from './socket/reader'
export { SocketError } from './errors'
export { strerror } from './errors/errno'
export { bpf } from './bpf'
export { capabilities, supports } from './capabilities'
export { privileges } from './capabilities/privileges'
export { MessageBatch, type BatchOptions } from './message/batch'
export { createConnection } from './net/connect'
export { poll, select } from './poll'
export { relay, type Relayed, type RelayOptions } from './net/relay'
export { createServer, hasDualstackIPv6, listenFds } from './net/create-server'
export { Datagram } from './net/datagram'
export { Server, serve } from './net/serve'
export { control, CMSG_LEN, CMSG_SPACE } from './message/control'
export { FdHandle } from './message/fd'
export { Membership, type JoinOptions } from './socket/multicast'
export { Message, type MessageMeta } from './message'
export { openPacket, PacketSocket } from './packet'
export {
  checksum,
  htonl,
  htons,
  inet_aton,
  inet_ntoa,
  inet_ntop,
  inet_pton,
  ntohl,
  ntohs,
} from './names/inet'
export { clock } from './names/clock'
export {
  hardwareTimestamps,
  type HardwareTimestampOptions,
  type HardwareTimestamps,
} from './socket/hardware-timestamps'
export { if_indextoname, if_nameindex, if_nametoindex } from './names/interfaces'
export {
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbynameEx,
  gethostname,
  getifaddrs,
  getnameinfo,
  getprotobyname,
  getprotobynumber,
  getservbyname,
  getservbyport,
  sethostname,
} from './names'
export type { AddressHints, AddressInfo, HostEntry, InterfaceAddress, NameInfo } from './names'
export { codecs, defineOption, options, query } from './options'
export type {
  Access,
  Codec,
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
  ReadableOption,
  RingOffsets,
  RingRequest,
  SockTxtime,
  SocketOption,
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
  WritableOption,
  XdpMmapOffsets,
  XdpStatistics,
  XdpUmemReg,
  ZeroCopyState,
} from './options'
export { getDefaultTimeout, setDefaultTimeout } from './reactor/timeouts'
export type {
  CompileOptions,
  FilterInstruction,
  FilterSyntaxError,
  Instruction,
  NamedInstruction,
  PacketInfo,
  Program,
} from './bpf'
export type {
  AbstractAddress,
  Address,
  AddressLike,
  AlgAddress,
  AlgLike,
  AnyInetAddress,
  AnyUnixAddress,
  BluetoothAddress,
  BluetoothLike,
  BluetoothProtocol,
  CanAddress,
  CanLike,
  Inet6Address,
  InetAddress,
  InetLike,
  NetlinkAddress,
  NetlinkLike,
  PacketAddress,
  PacketLike,
  RawLike,
  Shared,
  TipcAddress,
  TipcLike,
  UnixAddress,
  UnixLike,
  UnknownAddress,
  UnnamedAddress,
  VsockAddress,
  VsockLike,
  XdpAddress,
  XdpLike,
} from './address'
export type { ConnectOptions, ConnectPathOptions, TypedConnectOptions } from './net/connect'
export type { FanoutOptions, Frame, PacketOptions, PacketStatistics, RingOptions, Vlan } from './packet'
export type { Pollable, PollEntry, PollResult, PollTimeout } from './poll'
export type { Capability, Feature } from './capabilities'
export type { Privilege } from './capabilities/privileges'
export type { DetachOptions } from './socket/blocking-mode'
export type { CreationOptions } from './reactor/namespace'
export type { ServerOptions, ServerPathOptions, TypedServerOptions } from './net/create-server'
export type { OptionValues } from './net/option-values'
export type { NamespaceOptions } from './reactor/namespace'
export type { CloseOptions, ConnectionHandler, DatagramHandler, ServeOptions } from './net/serve'
export type { Control } from './control/walk'
export type { OutgoingMessage, ReceivedFds, RecvmsgOptions, TimestampedMessage } from './operations/message'
export type { TimestampedSend } from './operations/timestamp'
export type { SendfileOptions } from './operations/sendfile'
export type { SpliceOptions } from './operations/splice'
export type { Credentials, Meta, PacketAuxData, VlanTag } from './control/meta'
export type { ErrorOrigin, ErrorRecord, TimestampStage } from './errqueue/record'
export type { WantedMeta } from './socket/receive-meta'
export type { ChunksOptions, MessagesOptions } from './socket/iteration'
export { Reception, type OnMessageOptions } from './socket/on-message'
export type { LineOptions, ReaderOp, ReaderOptions, UntilOptions } from './socket/reader-options'
export type { FileLike, Op } from './validators'
export { allocZeroCopy } from './operations/zerocopy-memory'
export type { ZeroCopyBatchResult, ZeroCopyResult } from './socket/zerocopy'
export type { ZeroCopyStatistics } from './reactor/zerocopy-sender'
export type { SocketDuplex, SocketDuplexOptions } from './socket/streams/duplex'
export type { WebOptions, WebStreams } from './socket/streams/web'
export * from './constants'
