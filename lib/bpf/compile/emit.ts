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
  const first = withoutStart(merge(start))
  const list = backwards(first)
  if (stable) removeLoads(list)
  return new Writer(accept, snaplen).write(list, setup)
}

/** Returns the first block, without comparisons that know their result, and with equal blocks as one. */
function merge(start: Block): Block {
  const same = new Map<Block, Block>()
  const ids = new Map<Block, number>()
  const byContent = new Map<string, Block>()
  const resolve = (block: Block | undefined): Block | undefined => block && same.get(block)
  for (const block of backwards(start)) {
    const [yes, no] = [resolve(block.yes), resolve(block.no)]
    if (yes === undefined) {
      same.set(block, block)
    } else if (block.known !== undefined) {
      same.set(block, block.known ? yes : no!)
    } else {
      const content = JSON.stringify([block.steps, block.test, ids.get(yes), no && ids.get(no)])
      if (!byContent.has(content)) byContent.set(content, { ...block, yes, no })
      same.set(block, byContent.get(content)!)
    }
    const result = same.get(block)!
    if (!ids.has(result)) ids.set(result, ids.size)
  }
  return same.get(start)!
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
  }

  /** Returns the place of a target, or of a jump to it if it is too far for a conditional jump. */
  #near(block: Block): number {
    if (this.#distance(block) <= NEAR) return this.#lengths.get(block)!
    this.#jump(block)
    return this.#list.length
  }
}
