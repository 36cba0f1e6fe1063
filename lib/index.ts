/**
 * The sockets that the kernel has and Node hides: see the README for a first look.
 */
export { Socket } from './socket'
export { SocketError } from './errors'
export { bpf } from './bpf'
export { capabilities, supports } from './capabilities'
export { privileges } from './privileges'
export { MessageBatch, type BatchOptions } from './batch'
export { createConnection } from './connect'
export { poll, select } from './poll'
export { relay, type Relayed } from './relay'
export { createServer, hasDualstackIPv6 } from './create-server'
export { Datagram, Server, serve } from './serve'
export { control, CMSG_LEN, CMSG_SPACE } from './control'
export { FdHandle } from './fd'
export { Membership, type JoinOptions } from './multicast'
export { Message, type MessageMeta } from './message'
export { openPacket, PacketSocket } from './packet'
export { checksum, htonl, htons, inet_aton, inet_ntoa, inet_ntop, inet_pton, ntohl, ntohs } from './bytes'
export { if_indextoname, if_nameindex, if_nametoindex } from './interfaces'
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
export type { ReadableOption, SocketOption, WritableOption } from './options'
export { getDefaultTimeout, setDefaultTimeout } from './internal/timeouts'
export type { FilterInstruction, Instruction, NamedInstruction, PacketInfo, Program } from './bpf'
export type {
  AbstractAddress,
  Address,
  AddressLike,
  AlgAddress,
  AlgLike,
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
export type { ConnectOptions, ConnectPathOptions } from './connect'
export type { FanoutOptions, Frame, PacketOptions, PacketStatistics, RingOptions, Vlan } from './packet'
export type { Pollable, PollEntry, PollResult, PollTimeout } from './poll'
export type { Capability, Feature } from './capabilities'
export type { Privilege } from './privileges'
export type { CreationOptions } from './internal/namespace'
export type { ServerOptions } from './create-server'
export type { CloseOptions, ConnectionHandler, DatagramHandler, ServeOptions } from './serve'
export type { FileLike } from './internal/base'
export type { Control } from './control/walk'
export type { OutgoingMessage, ReceivedFds, RecvmsgOptions } from './internal/operations'
export type { SendfileOptions, SpliceOptions } from './internal/transfers'
export type { Credentials, Meta, PacketAuxData, VlanTag } from './control/meta'
export type { ErrorOrigin, ErrorRecord, TimestampStage } from './errqueue/record'
export type { WantedMeta } from './internal/receive-meta'
export type { ChunksOptions, MessagesOptions } from './internal/iteration'
export type { Op } from './internal/validate'
export { allocZeroCopy } from './zerocopy/memory'
export type { ZeroCopyResult } from './zerocopy'
export type { ZeroCopyStatistics } from './zerocopy/sender'
export type { SocketDuplex, SocketDuplexOptions } from './streams/duplex'
export type { WebOptions, WebStreams } from './streams/web'
export * from './constants'
