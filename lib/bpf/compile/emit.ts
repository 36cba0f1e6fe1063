import type { NamedInstruction } from '../assemble'
import type { Condition, Steps } from './condition'
import { backwards, blocksOf, end, type Block } from './graph'
import { optimize } from './optimize'

/** The longest distance of a conditional jump, less the two jumps that may come between. */
const NEAR = 0xff - 2

/**
 * Generates the instructions of a condition: a packet is accepted with `snaplen` bytes if it is true. With `stable`, the
 * same load always has the same result, so it is not repeated where its result is known.
 */
export function emit(
  condition: Condition | undefined,
  setup: Steps,
  snaplen: number,
  stable: boolean,
): NamedInstruction[] {
  const [accept, reject] = [end(), end()]
  const start = condition === undefined ? accept : blocksOf(condition, accept, reject)
  if (stable) optimize(start)
  const first = withoutStart(withoutKnown(start))
  if (stable) removeLoads(backwards(first))
  return new Writer(accept, snaplen).write(backwards(merge(first)), setup)
}

/** Returns the first block of the same program, without comparisons whose results are known. */
function withoutKnown(start: Block): Block {
  return replaced(start, (block, yes, no) =>
    block.known === undefined ? { ...block, yes, no } : block.known ? yes : no!,
  )
}

/** Returns the first block of the same program, with equal blocks as one. */
function merge(start: Block): Block {
  const ids = new Map<Block | undefined, number>()
  const byContent = new Map<string, Block>()
  const idOf = (block: Block | undefined): number =>
    ids.get(block) ?? (ids.set(block, ids.size), ids.size - 1)
  return replaced(start, (block, yes, no) => {
    const content = JSON.stringify([block.steps, block.test, idOf(yes), idOf(no)])
    const same = byContent.get(content) ?? { ...block, yes, no }
    byContent.set(content, same)
    return same
  })
}

/** Replaces each block but the ends, from the last one to the first one, which is returned. */
function replaced(start: Block, replace: (block: Block, yes: Block, no: Block | undefined) => Block): Block {
  const now = new Map<Block, Block>()
  for (const block of backwards(start)) {
    const { yes, no } = block
    now.set(block, yes === undefined ? block : replace(block, now.get(yes)!, no && now.get(no)))
  }
  return now.get(start)!
}

/** Returns the first block. If it leads to the same end in any case, nothing is loaded. */
function withoutStart(first: Block): Block {
  let block = first
  while (block.yes !== undefined && block.yes === block.no) block = block.yes
  return block.yes === undefined ? block : first
}

/** Removes loads whose results are in A already. */
function removeLoads(list: readonly Block[]): void {
  /** What is in A on every path to a block; `null` if paths differ. */
  const known = new Map<Block, string | null>()
  for (const block of list.toReversed()) {
    const a = known.get(block) ?? null
    const { steps } = block
    const keys = steps.map((_, i) => JSON.stringify(steps.slice(0, i + 1)))
    for (const next of [block.yes, block.no]) {
      if (next === undefined) continue
      const after = keys.at(-1) ?? null
      known.set(next, known.has(next) && known.get(next) !== after ? null : after)
    }
    const rest = steps.slice(a === null ? 0 : keys.lastIndexOf(a) + 1)
    if (block.test?.k !== undefined && rest.every(isArithmetic)) block.steps = rest
  }
}

/** Returns true for arithmetic with a number, which does not need X. */
function isArithmetic(step: NamedInstruction): boolean {
  return 'k' in step && !/^(?:ld|st|j|ret)/.test(step.op)
}

/** Writes a program from its end to its start, so that the distance to each target is known. */
class Writer {
  readonly #list: NamedInstruction[] = []
  /** How long the program is from each block on. */
  readonly #lengths = new Map<Block, number>()
  /** How long the program is from the last jump to a block on. */
  readonly #jumps = new Map<Block, number>()

  constructor(
    private readonly accept: Block,
    private readonly snaplen: number,
  ) {}

  write(blocks: readonly Block[], setup: Steps): NamedInstruction[] {
    for (const block of blocks) {
      this.#end(block)
      this.#list.push(...block.steps.toReversed())
      this.#lengths.set(block, this.#list.length)
    }
    return [...setup, ...this.#list.reverse()]
  }

  /** Writes what follows the steps of a block. */
  #end(block: Block): void {
    const { test, yes, no } = block
    if (yes === undefined) {
      this.#list.push({ op: 'ret', k: block === this.accept ? this.snaplen : 0 })
      return
    }
    if (test === undefined) {
      if (this.#distance(yes) > 0) this.#jump(yes)
      return
    }
    const [otherwise, then] = [this.#near(no!), this.#near(yes)]
    const [jt, jf] = [this.#list.length - then, this.#list.length - otherwise]
    const { op, k } = test
    this.#list.push(k === undefined ? { op, mode: 'x', jt, jf } : { op, k, jt, jf })
  }

  #distance(block: Block): number {
    return this.#list.length - this.#lengths.get(block)!
  }

  #jump(block: Block): void {
    this.#list.push({ op: 'ja', k: this.#distance(block) })
    this.#jumps.set(block, this.#list.length)
  }

  /** Returns the place of a target, or of a jump to it if it is too far for a conditional jump. */
  #near(block: Block): number {
    if (this.#distance(block) <= NEAR) return this.#lengths.get(block)!
    const jump = this.#jumps.get(block)
    if (jump !== undefined && this.#list.length - jump <= NEAR) return jump
    this.#jump(block)
    return this.#list.length
  }
}
