/**
 * Every C constant as a named export and as a property of `constants`, and the way back from a number to
 * its name.
 */

import { constants } from './define'
import { exceptions, prefixes } from './groups.gen'
import { invalidType } from '../errors/argument'

export * from './common.gen'
export * from './linux.gen'
export * from './darwin.gen'
export { constants }

/** Any Bluetooth adapter, as `bind` takes it. Linux only. */
export const BDADDR_ANY = '00:00:00:00:00:00'
/** The own Bluetooth adapter. Linux only. */
export const BDADDR_LOCAL = '00:00:00:FF:FF:FF'

// By group, then by number. Made on first use: most programs never ask.
let groups: Map<string, Map<number, string>> | undefined
// By prefix that is no group, such as 'VMADDR_'.
const prefixed = new Map<string, Map<number, string>>()

function makeGroups(): Map<string, Map<number, string>> {
  const listed = new Map<string, string>()
  for (const [group, names] of Object.entries(exceptions)) {
    for (const name of names.trim().split(/\s+/)) listed.set(name, group)
  }
  const made = new Map<string, Map<number, string>>()
  for (const name of Object.keys(constants)) {
    const group =
      listed.get(name) ?? prefixes.find(prefix => name.startsWith(prefix)) ?? name.replace(/_.*/, '_')
    add(made, group, name)
  }
  return made
}

function add(into: Map<string, Map<number, string>>, key: string, name: string): void {
  const value = constants[name]
  if (value === undefined) return
  let names = into.get(key)
  if (names === undefined) into.set(key, (names = new Map<number, string>()))
  // The tables put the canonical name first.
  if (!names.has(value)) names.set(value, name)
}

function namesOf(prefix: string): ReadonlyMap<number, string> {
  groups ??= makeGroups()
  const group = groups.get(prefix) ?? prefixed.get(prefix)
  if (group !== undefined) return group
  const found = new Map<string, Map<number, string>>()
  for (const name of Object.keys(constants)) if (name.startsWith(prefix)) add(found, prefix, name)
  const names = found.get(prefix)
  // Only what exists is kept, so strange prefixes cost no memory.
  if (names !== undefined) prefixed.set(prefix, names)
  return names ?? new Map<number, string>()
}

/**
 * The constants that begin with a prefix, by number: the canonical name where several share one. Names that
 * begin alike but mean something else are left out: `SO_` has no `SO_EE_ORIGIN_ICMP`.
 *
 * @example constantsByPrefix('SHUT_') // Map { 0 => 'SHUT_RD', 1 => 'SHUT_WR', 2 => 'SHUT_RDWR' }
 */
export function constantsByPrefix(prefix: string): Map<number, string> {
  if (typeof prefix !== 'string') throw invalidType('prefix', 'string', prefix)
  return new Map(namesOf(prefix))
}

/**
 * The name of a number among the constants that begin with a prefix, or the number as text where it is
 * unknown.
 *
 * @example nameOf('AF_', 2) // 'AF_INET'
 */
export function nameOf(prefix: string, value: number): string {
  if (typeof prefix !== 'string') throw invalidType('prefix', 'string', prefix)
  if (typeof value !== 'number') throw invalidType('value', 'number', value)
  return namesOf(prefix).get(value) ?? String(value)
}
