import type { Token } from './tokens'

/** Throws an error for a part of an expression. */
type Wrong = (problem: string, place?: Token) => never

/** Returns the six bytes of an Ethernet address, in any of its forms. */
export function mac(text: string): number[] {
  const parts = text.split(/[:.-]/)
  const digits = parts.length === 6 ? parts.map(part => part.padStart(2, '0')).join('') : parts.join('')
  return digits.match(/../g)!.map(each => parseInt(each, 16))
}

/** Returns an IPv4 address of one to four parts, and the bits of it that count. */
export function ipv4(token: Token, mask: Token | undefined, wrong: Wrong): { address: number; bits: number } {
  const [address, length] = parts(token, wrong)
  if (mask === undefined) return { address, bits: prefix(length) }
  let bits = mask.kind === 'number' ? prefix(mask.value) : parts(mask, wrong)[0]
  if (mask.kind === 'number' && mask.value > 32) wrong('the length of a prefix is at most 32', mask)
  bits = bits >>> 0
  if ((address & ~bits) !== 0) wrong('the address has bits outside the mask')
  return { address, bits }
}

function parts(token: Token, wrong: Wrong): [address: number, length: number] {
  const numbers = token.text.split('.').map(part => (/^[0-9]+$/.test(part) ? Number(part) : 256))
  if (numbers.some(number => number > 255)) wrong('the parts of an IPv4 address are 0 to 255')
  const address = [0, 1, 2, 3].reduce((all, i) => all * 256 + (numbers[i] ?? 0), 0)
  return [address, 8 * numbers.length]
}

/** Returns the address of a number. The number of a network may lack the zeros at its end: 10 is 10.0.0.0. */
export function shorten(number: number, isNetwork: boolean): { address: number; bits: number } {
  let [address, bits] = [number, 32]
  while (isNetwork && address > 0 && address < 0x1000000) [address, bits] = [address * 256, bits - 8]
  return { address, bits: prefix(bits) }
}

/** Returns the four words of an IPv6 address, with the bits of each that count. */
export function ipv6(token: Token, mask: Token | undefined, wrong: Wrong): { word: number; bits: number }[] {
  const length = mask?.value ?? 128
  if (length > 128) wrong('the length of a prefix is at most 128', mask)
  const groups = groupsOf(token.text)
  return [0, 1, 2, 3].map(i => {
    const word = (groups[2 * i]! * 0x10000 + groups[2 * i + 1]!) >>> 0
    const bits = prefix(Math.max(0, Math.min(32, length - 32 * i)))
    if ((word & ~bits) !== 0) wrong('the address has bits outside the mask')
    return { word, bits }
  })
}

/** Returns the eight groups of a valid IPv6 address. */
function groupsOf(text: string): number[] {
  const dotted = /[0-9]+(?:\.[0-9]+){3}$/.exec(text)?.[0].split('.').map(Number)
  const end =
    dotted && [dotted[0]! * 256 + dotted[1]!, dotted[2]! * 256 + dotted[3]!].map(each => each.toString(16))
  const plain = end ? text.replace(/[^:]+$/, end.join(':')) : text
  const [before = [], after = []] = plain // uncovered: for the type checker: a split text has a part
    .split('::')
    .map(half => half.split(':').flatMap(group => (group === '' ? [] : [parseInt(group, 16)])))
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** Returns a mask with this many bits from the left. */
function prefix(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
}
