import { readFileSync } from 'node:fs'

// The bits of <linux/capability.h> that the calls of this package may need.
const bits = {
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
} as const

/** A privilege by its name in capabilities(7). */
export type Privilege = keyof typeof bits

/**
 * Which privileges of capabilities(7) this thread has in effect now. On macOS, which has no such thing, root
 * has all of them and nobody else has one. A privilege counts only in the user namespace that owns the
 * network: `capabilities()` makes the calls and so knows better.
 */
export function privileges(): Readonly<Record<Privilege, boolean>> {
  const effective = effectiveSet()
  const entries = Object.entries(bits).map(([name, bit]) => [name, ((effective >> BigInt(bit)) & 1n) === 1n])
  return Object.freeze(Object.fromEntries(entries) as Record<Privilege, boolean>)
}

function effectiveSet(): bigint {
  const all = process.geteuid?.() === 0 ? ~0n : 0n
  if (process.platform !== 'linux') return all
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))
    return line === null ? all : BigInt(`0x${line[1]}`)
  } catch {
    return all // no /proc
  }
}
