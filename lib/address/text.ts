/**
 * Parses and formats IPv4 and IPv6 addresses, as inet_pton(3) and inet_ntop(3) do. These texts do not include a
 * `%zone`.
 */

const zero = 48
const dot = 46
const colon = 58

/** Parses strict dotted decimal text (no `'127.1'`, no leading zeros). Returns a 32-bit number, or −1 if invalid. */
export function parseIPv4(text: string): number {
  if (text.length < 7 || text.length > 15) return -1
  let result = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === dot) {
      if (octet < 0 || ++dots > 3) return -1
      result = result * 256 + octet
      octet = -1
      continue
    }
    const digit = c - zero
    if (digit < 0 || digit > 9 || octet === 0) return -1
    octet = octet < 0 ? digit : octet * 10 + digit
    if (octet > 255) return -1
  }
  return dots === 3 && octet >= 0 ? result * 256 + octet : -1
}

/** Formats the four bytes at `offset` in dotted decimal form. */
export function formatIPv4(bytes: Uint8Array, offset = 0): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`
}

/** Parses IPv6 text (`'::1'`, `'::ffff:1.2.3.4'`). Returns 16 bytes, or `null` if it is invalid. */
export function parseIPv6(text: string): Uint8Array | null {
  if (text.length < 2 || text.length > 45) return null
  const bytes = new Uint8Array(16)
  let at = 0
  let gap = -1
  let i = 0
  if (text.charCodeAt(0) === colon) {
    if (text.charCodeAt(1) !== colon) return null
    gap = 0
    i = 2
  }
  while (i < text.length) {
    const start = i
    let group = 0
    let digit: number
    while (i < text.length && (digit = hexDigit(text.charCodeAt(i))) >= 0) {
      group = group * 16 + digit
      i++
    }
    if (i < text.length && text.charCodeAt(i) === dot) {
      at = writeQuad(bytes, at, text.slice(start))
      if (at < 0) return null
      break
    }
    if (i === start || i - start > 4 || at > 14) return null
    bytes[at++] = group >> 8
    bytes[at++] = group & 0xff
    if (i === text.length) break
    if (text.charCodeAt(i++) !== colon) return null
    if (i === text.length) return null
    if (text.charCodeAt(i) === colon) {
      if (gap >= 0) return null
      gap = at
      i++
    }
  }
  if (gap < 0) return at === 16 ? bytes : null
  // '::' stands for at least one group, as in inet_pton.
  if (at === 16) return null
  bytes.copyWithin(16 - (at - gap), gap, at)
  bytes.fill(0, gap, 16 - (at - gap))
  return bytes
}

/**
 * Formats the 16 bytes at `offset` as in RFC 5952: lower case, the longest run of zeros as `::`, an IPv4 tail dotted.
 */
export function formatIPv6(bytes: Uint8Array, offset = 0): string {
  const run = longestZeros(bytes, offset)
  // ::/96 and ::ffff:0:0/96 contain an IPv4 address, which inet_ntop(3) prints dotted; '::' and '::1' do not.
  const mapped = run.start === 0 && run.length === 5 && word(bytes, offset, 5) === 0xffff
  const quad = mapped || (run.start === 0 && run.length === 6)
  const end = quad ? 6 : 8
  let text = ''
  for (let i = 0; i < end; i++) {
    if (i === run.start) {
      text += '::'
      i += run.length - 1
    } else {
      if (i > 0 && i !== run.start + run.length) text += ':'
      text += word(bytes, offset, i).toString(16)
    }
  }
  if (!quad) return text
  return `${text}${mapped ? ':' : ''}${formatIPv4(bytes, offset + 12)}`
}

/** Finds the first longest run of two or more zero groups. If there is none, `start` is −9, away from every group. */
function longestZeros(bytes: Uint8Array, offset: number): { start: number; length: number } {
  let start = -9
  let length = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && word(bytes, offset, end) === 0) end++
    if (end - i > length) {
      start = i
      length = end - i
    }
    if (end > i) i = end
  }
  return { start, length }
}

function word(bytes: Uint8Array, offset: number, index: number): number {
  // uncovered: for the type checker: the bytes are always present
  return ((bytes[offset + 2 * index] ?? 0) << 8) | (bytes[offset + 2 * index + 1] ?? 0)
}

function writeQuad(bytes: Uint8Array, at: number, text: string): number {
  const quad = parseIPv4(text)
  if (quad < 0 || at > 12) return -1
  bytes[at] = quad >>> 24
  bytes[at + 1] = quad >>> 16
  bytes[at + 2] = quad >>> 8
  bytes[at + 3] = quad
  return at + 4
}

function hexDigit(c: number): number {
  if (c >= zero && c <= 57) return c - zero
  const letter = (c | 32) - 97
  return letter >= 0 && letter <= 5 ? letter + 10 : -1
}
