import { byteLengthOf, octetsOf } from '../struct'
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from '../address/text'
import { AF_INET, AF_INET6 } from '../constants'
import { invalidAddress, invalidType, outOfRange } from '../errors'
import type { NonSharedBuffer } from '../runtime/buffer'
import { checkBytes } from '../validators'
import { checkInteger } from '../errors/argument'

/**
 * Computes the Internet checksum (RFC 1071), as a number in host byte order. Set the checksum field of an ICMP, UDP,
 * TCP or IPv4 header to 0 first, then store the result there. The checksum of a header with a correct checksum is 0.
 *
 * Several parts are summed as if they were one, also if a part has an odd length:
 * `checksum(pseudoHeader, header, payload)`.
 */
export function checksum(bytes: ArrayBufferView, ...more: ArrayBufferView[]): number {
  let sum = addOctets(0, 0, checkBytes('bytes', bytes))
  let length = byteLengthOf(bytes)
  more.forEach((part, i) => {
    sum = addOctets(sum, length, checkBytes(`more[${i}]`, part))
    length += byteLengthOf(part)
  })
  return ~sum & 0xffff
}

/** Adds octets to a ones' complement sum. `before` is the sum of the first `length` octets. */
function addOctets(before: number, length: number, view: ArrayBufferView): number {
  const octets = octetsOf(view)
  if (octets.length === 0) return before
  let sum = before
  let i = 0
  if (length % 2 === 1) sum += octets[i++]! // the low half of a 16-bit word that the previous part began
  for (; i + 1 < octets.length; i += 2) {
    sum += (octets[i]! << 8) | octets[i + 1]!
    if (sum > 0xffffff) sum = (sum & 0xffff) + (sum >>> 16)
  }
  if (i < octets.length) sum += octets[i]! << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

function swap16(n: number): number {
  return littleEndian ? ((n & 0xff) << 8) | (n >>> 8) : n // uncovered: only on a big-endian machine
}

function swap32(n: number): number {
  if (!littleEndian) return n // uncovered: only on a big-endian machine
  return (((n & 0xff) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)) >>> 0
}

/** Converts 16 bits from host to network byte order. htons(3) */
export function htons(n: number): number {
  return swap16(checkInteger('n', n, 0, 0xffff))
}

/** Converts 16 bits from network to host byte order. ntohs(3) */
export function ntohs(n: number): number {
  return swap16(checkInteger('n', n, 0, 0xffff))
}

/** Converts 32 bits from host to network byte order. htonl(3) */
export function htonl(n: number): number {
  return swap32(checkInteger('n', n, 0, 0xffffffff))
}

/** Converts 32 bits from network to host byte order. ntohl(3) */
export function ntohl(n: number): number {
  return swap32(checkInteger('n', n, 0, 0xffffffff))
}

/**
 * Converts the standard text form of an address to its 4 or 16 bytes. inet_pton(3)
 *
 * `ERR_INVALID_ADDRESS` for any other text. `ERR_OUT_OF_RANGE` if `family` is neither `AF_INET` nor `AF_INET6`.
 */
export function inet_pton(family: number, text: string): NonSharedBuffer {
  checkFamily(family)
  if (typeof text !== 'string') throw invalidType('text', 'string', text)
  if (family === AF_INET) {
    const number = parseIPv4(text)
    if (number < 0) throw invalidAddress(text, 'not an IPv4 address')
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(number)
    return bytes
  }
  const bytes = parseIPv6(text)
  if (bytes === null) throw invalidAddress(text, 'not an IPv6 address')
  return Buffer.from(bytes)
}

/**
 * Converts the bytes of an address to text, IPv6 as in RFC 5952. `ERR_OUT_OF_RANGE` for a wrong length. inet_ntop(3)
 */
export function inet_ntop(family: number, bytes: Uint8Array): string {
  checkFamily(family)
  if (!ArrayBuffer.isView(bytes)) throw invalidType('bytes', 'Uint8Array', bytes)
  const octets = octetsOf(bytes)
  const size = family === AF_INET ? 4 : 16
  if (octets.length !== size) throw outOfRange('bytes.length', String(size), octets.length)
  return family === AF_INET ? formatIPv4(octets) : formatIPv6(octets)
}

/** Converts 4 bytes to dotted decimal text. inet_ntoa(3) */
export function inet_ntoa(bytes: Uint8Array): string {
  return inet_ntop(AF_INET, bytes)
}

/**
 * Converts IPv4 text to its 4 bytes, in the old text forms too. inet_aton(3)
 *
 * The text has one to four parts. Each is decimal, octal (`0…`) or hexadecimal (`0x…`). The last part fills the
 * remaining bytes: `'127.1'` is 127.0.0.1. `ERR_INVALID_ADDRESS` if anything follows.
 */
export function inet_aton(text: string): NonSharedBuffer {
  if (typeof text !== 'string') throw invalidType('text', 'string', text)
  const parts = text.split('.')
  const numbers = parts.map(part =>
    /^(?:0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(part) ? parsePart(part) : NaN,
  )
  const last = numbers.pop() ?? NaN // uncovered: for the type checker: a split text has a part
  const room = 2 ** (8 * (4 - numbers.length))
  if (parts.length > 4 || !numbers.every(n => n <= 0xff) || !(last < room)) {
    throw invalidAddress(text, 'not an IPv4 address')
  }
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(numbers.reduce((sum, n, i) => sum + n * 2 ** (24 - 8 * i), last))
  return bytes
}

function parsePart(part: string): number {
  if (/^0x/i.test(part)) return Number.parseInt(part, 16)
  return Number.parseInt(part, part.startsWith('0') ? 8 : 10)
}

function checkFamily(family: unknown): void {
  if (family === AF_INET || family === AF_INET6) return
  if (typeof family !== 'number') throw invalidType('family', 'number', family)
  throw outOfRange('family', 'AF_INET or AF_INET6', family)
}
