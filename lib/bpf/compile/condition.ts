import type { NamedInstruction } from '../assemble'
import type { Link } from './ast'

/** Instructions that compute a value in A. They have no jumps. */
export type Steps = readonly NamedInstruction[]

/** A comparison of A: with a number, or with X. */
export interface Test {
  readonly kind: 'test'
  readonly steps: Steps
  readonly op: 'jeq' | 'jgt' | 'jge' | 'jset'
  /** The number to compare with; `undefined` for X. */
  readonly k: number | undefined
  /** The result, if it is known without a packet. */
  readonly known: boolean | undefined
  /** For values of an expression: what is compared, before constants were computed. See Block. */
  readonly identity: { readonly left: string; readonly right: number | string } | undefined
}

/** A condition in terms of instructions. */
export type Condition =
  | Test
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'chain'; readonly first: Condition; readonly rest: readonly Link<Condition>[] }
  /** Runs instructions, and goes on with the condition. */
  | { readonly kind: 'after'; readonly steps: Steps; readonly condition: Condition }

export const test = (steps: Steps, op: Test['op'], k?: number): Test => ({
  kind: 'test',
  steps,
  op,
  k: k === undefined ? undefined : k >>> 0,
  known: undefined,
  identity: undefined,
})
export const not = (of: Condition): Condition => ({ kind: 'not', of })
export const never: Test = { ...test([{ op: 'ld', mode: 'imm', k: 1 }], 'jeq', 0), known: false }

/** Returns a condition that is true if all are. A packet is read in the order of the list, until one is false. */
export const and = (...list: Condition[]): Condition => chain('and', list)
/** Returns a condition that is true if any is. A packet is read in the order of the list, until one is true. */
export const or = (...list: Condition[]): Condition => chain('or', list)

function chain(op: 'and' | 'or', [first, ...rest]: Condition[]): Condition {
  return rest.length === 0
    ? first!
    : { kind: 'chain', first: first!, rest: rest.map(condition => ({ op, condition })) }
}
