import { readFileSync } from 'node:fs'

// The capabilities of <linux/capability.h> that calls of this package may need.
const bits = {
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
} as const

/** A privilege by its name in capabilities(7). */
export type Privilege = keyof typeof bits

/**
 * Returns the effective privileges of this thread, as in capabilities(7). macOS has no capabilities: root has all
 * privileges, and other users have none.
 *
 * A privilege works only in the user namespace that owns the network. `capabilities()` makes the real calls, so it is
 * more exact.
 */
export function privileges(): Readonly<Record<Privilege, boolean>> {
  const effective = effectiveSet()
  const entries = Object.entries(bits).map(([name, bit]) => [name, ((effective >> BigInt(bit)) & 1n) === 1n])
  return Object.freeze(Object.fromEntries(entries) as Record<Privilege, boolean>)
}

function effectiveSet(): bigint {
  const all = process.geteuid?.() === 0 ? ~0n : 0n
  if (process.platform !== 'linux') return all // uncovered: the other branch is for another system
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))
    return line === null ? all : BigInt(`0x${line[1]}`) // uncovered: only without /proc
  } catch {
    return all // no /proc
  }
}
