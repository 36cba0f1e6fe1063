/**
 * Provides the codecs of option values, for use with `defineOption`.
 *
 * A codec converts a value such as `true`, `{ on, seconds }` or a `TcpInfo` to bytes for setsockopt(2), and bytes of
 * getsockopt(2) to a value. It works for any platform.
 */
export {
  bitNumbers,
  bool,
  boolOrByte,
  bytes,
  int,
  intOrByte,
  linger,
  longText,
  portRange,
  text,
  timeval,
  timeval64,
  uint32,
  uint32List,
  uint64,
  uint8,
} from './codecs/basic'
export type { Codec, CodecContext, InterfaceLike, Linger, PortRange } from './codecs/basic'
export {
  groupMembership,
  groupSourceFilter,
  groupSourceMembership,
  inAddr,
  interfaceIndex,
  interfaceIndexBE,
  ipMembership,
  ipSourceFilter,
  ipSourceMembership,
  ipv6Membership,
  multicastInterface,
  sockaddr,
} from './codecs/inet'
export type { MulticastGroup, SourceFilter, MulticastSource } from './codecs/inet'
export * from './codecs/ipv6'
export * from './codecs/packet'
export * from './codecs/socket'
export { fixedStruct, listOf, rowsAt, struct } from './codecs/struct'
export type { FieldType, Row, StructInput, StructValue } from './codecs/struct'
export * from './codecs/tcp'
