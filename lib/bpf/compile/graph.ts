import type { Condition, Steps, Test } from './condition'

/**
 * A block of a program: instructions, a comparison, and the blocks that follow. Without `yes` and `no` it is one of the
 * two ends of the program.
 */
export interface Block {
  steps: Steps
  /** `undefined` if the same block follows in any case. */
  test: Pick<Test, 'op' | 'k'> | undefined
  /** The result of the comparison, if it is known without a packet. */
  readonly known: boolean | undefined
  /** What is compared, as the optimizer sees it. Two blocks with the same `left` have the same number in A. */
  left: string
  /** What it is compared with: a number, or what is in X. */
  right: number | string
  /** True until the optimizer has found that a difference is compared with 0. */
  difference: boolean
  yes: Block | undefined
  no: Block | undefined
}

/** Returns an end of a program. */
export const end = (): Block => ({
  steps: [],
  test: undefined,
  known: undefined,
  left: '',
  right: 0,
  difference: false,
  yes: undefined,
  no: undefined,
})

/** Makes the blocks of a condition, from the last one to the first one, which is returned. */
export function blocksOf(condition: Condition, yes: Block, no: Block): Block {
  switch (condition.kind) {
    case 'test':
      return blockOf(condition, yes, no)
    case 'not':
      return blocksOf(condition.of, no, yes)
    case 'after':
      return { ...end(), steps: condition.steps, yes: blocksOf(condition.condition, yes, no), no: undefined }
    default: {
      const members = [condition.first, ...condition.rest.map(each => each.condition)]
      let [then, otherwise] = [yes, no]
      for (let i = members.length - 1; i > 0; i--) {
        const member = blocksOf(members[i]!, then, otherwise)
        if (condition.rest[i - 1]!.op === 'and') then = member
        else otherwise = member
      }
      return blocksOf(members[0]!, then, otherwise)
    }
  }
}

function blockOf({ steps, op, k, known, identity }: Test, yes: Block, no: Block): Block {
  const { left, right } = identity ?? { left: JSON.stringify(steps), right: k! }
  return {
    steps,
    test: { op, k },
    known,
    left,
    right,
    difference: identity !== undefined && op === 'jeq',
    yes,
    no,
  }
}

/** Lists the blocks from the last one to the first one: each follows the blocks that it leads to. */
export function backwards(first: Block): Block[] {
  const list: Block[] = []
  const seen = new Set<Block>([first])
  const path: { block: Block; rest: Block[] }[] = [{ block: first, rest: nextOf(first) }]
  while (path.length > 0) {
    const { block, rest } = path.at(-1)!
    const next = rest.pop()
    if (next === undefined) {
      list.push(block)
      path.pop()
    } else if (!seen.has(next)) {
      seen.add(next)
      path.push({ block: next, rest: nextOf(next) })
    }
  }
  return list
}

/** Returns the blocks after a block, the one for `yes` first. */
export function nextOf({ yes, no }: Block): Block[] {
  return [yes, no].filter(each => each !== undefined)
}
