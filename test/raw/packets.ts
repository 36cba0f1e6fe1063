import { AF_INET, AF_INET6, checksum, inet_pton } from '../../lib'

/** Returns an ICMP or ICMPv6 echo request without a checksum, for sockets where the kernel fills it in. */
export function echo(type: number, id: number, sequence: number, data = Buffer.alloc(0)): Buffer {
  const packet = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), data])
  packet.writeUInt16BE(id, 4)
  packet.writeUInt16BE(sequence, 6)
  return packet
}

/** Returns an ICMP echo request with its checksum. */
export function summed(packet: Buffer, at = 2): Buffer {
  packet.writeUInt16BE(0, at)
  packet.writeUInt16BE(checksum(packet), at)
  return packet
}

/** Returns an IPv4 header with the fields that a program must set; the kernel fills in the others. */
export function ipv4Header(source: string, destination: string, protocol: number): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header[8] = 33 // TTL
  header[9] = protocol
  inet_pton(AF_INET, source).copy(header, 12)
  inet_pton(AF_INET, destination).copy(header, 16)
  return header
}

/** Returns a complete IPv6 header. */
export function ipv6Header(source: string, destination: string, next: number, length: number): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(length, 4)
  header[6] = next
  header[7] = 33 // hop limit
  inet_pton(AF_INET6, source).copy(header, 8)
  inet_pton(AF_INET6, destination).copy(header, 24)
  return header
}

/** Returns a UDP datagram with its checksum over the pseudo-header of IPv4 or IPv6. */
export function udp(source: string, destination: string, from: number, to: number, data: Buffer): Buffer {
  const family = source.includes(':') ? AF_INET6 : AF_INET
  const header = Buffer.alloc(8)
  header.writeUInt16BE(from, 0)
  header.writeUInt16BE(to, 2)
  header.writeUInt16BE(8 + data.length, 4)
  // As 16-bit words, protocol and length are equal in the pseudo-headers of IPv4 and IPv6.
  const rest = Buffer.from([0, 17, 0, 0])
  rest.writeUInt16BE(8 + data.length, 2)
  const addresses = Buffer.concat([inet_pton(family, source), inet_pton(family, destination)])
  header.writeUInt16BE(checksum(addresses, rest, header, data) || 0xffff, 6)
  return Buffer.concat([header, data])
}
