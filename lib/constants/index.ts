/**
 * Every C constant, as a named export and as a property of `constants`, and functions that find the name of a number.
 */

import { constants, eachConstant } from './define'
import { invalidType } from '../errors/argument'

export * from './common.gen'
export * from './linux.gen'
export * from './darwin.gen'
export type { Family, SocketKind, SocketType } from './kinds'
export { constants }

/** The Bluetooth address of any adapter, for `bind`. Linux only. */
export const BDADDR_ANY = '00:00:00:00:00:00'
/** The Bluetooth address of the local adapter. Linux only. */
export const BDADDR_LOCAL = '00:00:00:FF:FF:FF'

// Names by group, then by number. Built on first use, because most programs do not need them.
let groups: Map<string, Map<number, string>> | undefined
// The same for prefixes that are not a group, such as 'VMADDR_'.
const prefixed = new Map<string, Map<number, string>>()

function makeGroups(): Map<string, Map<number, string>> {
  const made = new Map<string, Map<number, string>>()
  eachConstant((name, _value, group) => add(made, group, name))
  return made
}

function add(into: Map<string, Map<number, string>>, key: string, name: string): void {
  const value = constants[name]
  if (value === undefined) return
  let names = into.get(key)
  if (names === undefined) into.set(key, (names = new Map<number, string>()))
  // If several names have one number, the tables list the canonical name first.
  if (!names.has(value)) names.set(value, name)
}

function namesOf(prefix: string): ReadonlyMap<number, string> {
  groups ??= makeGroups()
  const group = groups.get(prefix) ?? prefixed.get(prefix)
  if (group !== undefined) return group
  const found = new Map<string, Map<number, string>>()
  for (const name of Object.keys(constants)) if (name.startsWith(prefix)) add(found, prefix, name)
  const names = found.get(prefix)
  // Results are kept only for prefixes that exist, so that other strings do not fill the memory.
  if (names !== undefined) prefixed.set(prefix, names)
  return names ?? new Map<number, string>()
}

/**
 * Returns the constants whose names start with a prefix, by number. If several names have the same number, returns the
 * canonical name. Names of another group are left out, even if they start alike: `SO_` does not include
 * `SO_EE_ORIGIN_ICMP`.
 *
 * @example constantsByPrefix('SHUT_') // Map { 0 => 'SHUT_RD', 1 => 'SHUT_WR', 2 => 'SHUT_RDWR' }
 */
export function constantsByPrefix(prefix: string): Map<number, string> {
  if (typeof prefix !== 'string') throw invalidType('prefix', 'string', prefix)
  return new Map(namesOf(prefix))
}

/**
 * Returns the name of a number among the constants whose names start with a prefix. Returns the number as text if
 * there is no such name.
 *
 * @example nameOf('AF_', 2) // 'AF_INET'
 */
export function nameOf(prefix: string, value: number): string {
  if (typeof prefix !== 'string') throw invalidType('prefix', 'string', prefix)
  if (typeof value !== 'number') throw invalidType('value', 'number', value)
  return namesOf(prefix).get(value) ?? String(value)
}
