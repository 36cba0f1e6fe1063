import type { NamedInstruction } from '../assemble'
import type { Condition, Steps, Test } from './condition'

/** A place in the program that jumps lead to. */
class Label {
  /** The label that this one stands for, if no instruction follows it. */
  #same: Label | undefined
  /** What is in A on every path to here; `null` if paths differ, `undefined` if none leads here. */
  a: string | null | undefined
  /** How many instructions the program has from here on. */
  fromEnd = 0

  get actual(): Label {
    let label: Label = this
    while (label.#same !== undefined) label = label.#same
    return label
  }

  become(other: Label): void {
    this.#same = other
  }

  /** Notes a path to here. */
  reached(a: string | null): void {
    this.a = this.a === undefined || this.a === a ? a : null
  }
}

/** Instructions and the comparison after them; without one, the next block follows. */
interface Block {
  readonly label: Label
  readonly steps: Steps
  readonly test: Test | undefined
  readonly yes: Label
  readonly no: Label
}

/** The longest distance of a conditional jump, less the two jumps that may come between. */
const NEAR = 0xff - 2

/**
 * Generates the instructions of a condition: a packet is accepted with `snaplen` bytes if it is true. With `stable`, the
 * same load always has the same result, and is not repeated where its result is still in A.
 */
export function emit(
  condition: Condition,
  setup: Steps,
  snaplen: number,
  stable: boolean,
): NamedInstruction[] {
  const [start, accept, reject] = [new Label(), new Label(), new Label()]
  const blocks: Block[] = []
  layOut(condition, start, accept, reject, blocks)
  start.actual.reached(null)
  const reachable = blocks.flatMap(block => shorten(block, stable))
  const backwards = new Backwards()
  if (reject.a !== undefined) backwards.place([{ op: 'ret', k: 0 }], reject)
  if (accept.a !== undefined) backwards.place([{ op: 'ret', k: snaplen }], accept)
  for (const block of reachable.reverse()) backwards.block(block)
  backwards.place(setup, start)
  return backwards.list.reverse()
}

/** Removes a load whose result is in A already, and a block that no path leads to. */
function shorten(block: Block, stable: boolean): Block[] {
  const { label, steps, test, yes, no } = block
  if (label.a === undefined) return []
  const keys = steps.map((_, i) => JSON.stringify(steps.slice(0, i + 1)))
  const known = stable && label.a !== null && test?.k !== undefined ? keys.lastIndexOf(label.a) + 1 : 0
  const onlyNumbers = steps.slice(known).every(isArithmetic)
  for (const next of [yes, no]) next.actual.reached(keys.at(-1) ?? null)
  return [onlyNumbers ? { ...block, steps: steps.slice(known) } : block]
}

/** Returns true for arithmetic with a number, which does not need X. */
function isArithmetic(step: NamedInstruction): boolean {
  return 'k' in step && !/^(?:ld|st|j|ret)/.test(step.op)
}

/** Writes a program from its end to its start, so that the distance to each target is known. */
class Backwards {
  readonly list: NamedInstruction[] = []

  place(steps: Steps, label: Label): void {
    this.list.push(...[...steps].reverse())
    label.fromEnd = this.list.length
  }

  block({ label, steps, test, yes, no }: Block): void {
    if (test === undefined) {
      if (this.#distance(yes) > 0) this.#jump(yes)
    } else {
      const otherwise = this.#near(no)
      const then = this.#near(yes)
      const [jt, jf] = [then, otherwise].map(fromEnd => this.list.length - fromEnd) as [number, number]
      const { op, k } = test
      this.list.push(k === undefined ? { op, mode: 'x', jt, jf } : { op, k, jt, jf })
    }
    this.place(steps, label)
  }

  #distance(label: Label): number {
    return this.list.length - label.actual.fromEnd
  }

  #jump(label: Label): void {
    this.list.push({ op: 'ja', k: this.#distance(label) })
  }

  /** Returns the place of a target, or of a jump to it if it is too far for a conditional jump. */
  #near(label: Label): number {
    if (this.#distance(label) <= NEAR) return label.actual.fromEnd
    this.#jump(label)
    return this.list.length
  }
}

/** Divides a condition into blocks, in the order of the program. */
function layOut(condition: Condition, label: Label, yes: Label, no: Label, blocks: Block[]): void {
  switch (condition.kind) {
    case 'test':
      blocks.push({ label, steps: condition.steps, test: condition, yes, no })
      break
    case 'constant':
      label.become(condition.value ? yes : no)
      break
    case 'not':
      layOut(condition.of, label, no, yes, blocks)
      break
    case 'after': {
      const next = new Label()
      blocks.push({ label, steps: condition.steps, test: undefined, yes: next, no: next })
      layOut(condition.condition, next, yes, no, blocks)
      break
    }
    default:
      layOutChain(condition, label, yes, no, blocks)
  }
}

type Chain = Condition & { kind: 'chain' }

/** Divides a chain. Where a member leads to depends on the members after it, so targets are made from the end. */
function layOutChain({ first, rest }: Chain, label: Label, yes: Label, no: Label, blocks: Block[]): void {
  const members = [first, ...rest.map(each => each.condition)]
  const labels = members.map((_, i) => (i === 0 ? label : new Label()))
  const targets: [Label, Label][] = Array<[Label, Label]>(members.length)
  targets[members.length - 1] = [yes, no]
  for (let i = rest.length - 1; i >= 0; i--) {
    const [then, otherwise] = targets[i + 1]!
    targets[i] = rest[i]!.op === 'and' ? [labels[i + 1]!, otherwise] : [then, labels[i + 1]!]
  }
  members.forEach((member, i) => layOut(member, labels[i]!, ...targets[i]!, blocks))
}
