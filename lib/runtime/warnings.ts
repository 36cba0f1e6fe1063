import { SafeMap } from './collections'
import { ownFields } from './fields'

/**
 * The maximum number of kinds that are counted. A peer may choose the kind, and must not be able to fill the memory.
 */
const MAX_KINDS = 64
const OTHERS = 'others'

/**
 * Emits process warnings that a peer can cause at will. For each kind only the 1st, 10th, 100th, … warning is
 * emitted, with the count. The others are only counted.
 */
export class Warnings {
  readonly #counts = new SafeMap<string, number>()
  readonly #options: { type: string; code: string }

  constructor(type: string, code: string) {
    this.#options = ownFields({ type, code })
  }

  warn(kind: string, text: () => string): void {
    const counts = this.#counts
    const counted = counts.has(kind) || counts.size < MAX_KINDS ? kind : OTHERS
    const count = (counts.get(counted) ?? 0) + 1
    counts.set(counted, count)
    if (!/^10*$/.test(String(count))) return
    const times = count === 1 ? '' : ` (${count} times so far, only some are shown)`
    process.emitWarning(firstLineWith(text(), times), this.#options)
  }
}

function firstLineWith(text: string, addition: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text + addition : text.slice(0, end) + addition + text.slice(end)
}
