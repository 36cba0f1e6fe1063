import { backwards, type Block } from './graph'

/*
 * The optimizer that tcpdump has had since 1992, as McCanne and Jacobson describe it: "The BSD Packet Filter", USENIX
 * 1993. A test is skipped if the way to it tells its result, and a test of a number that is in A already comes before a
 * test that needs another load. It decides what happens to packets that are too short for a load: whether the load comes
 * before a test that accepts. So the steps are those of tcpdump, in the same order.
 */

/** Blocks above which a program is not optimized. Their sets would take too much memory. */
const MAX_BLOCKS = 8192

/** How much work is done, in steps of a few nanoseconds. Programs of tens of conditions need less. */
const MAX_WORK = 1e8

/** How many times in a row only the order may change. Two orders can alternate. */
const MAX_MOVES = 100

/** A block with what is known about it. An edge is a number: that of its block, plus the number of blocks for `no`. */
interface Node {
  readonly block: Block
  readonly id: number
  level: number
  /** What is in A after the block. */
  a: string
  /** The kind of the comparison. */
  code: string
  /** The edges to this block, the last one first. */
  into: number[]
  /** The blocks on all ways to this one. */
  readonly dominators: Uint32Array
}

/** Optimizes a program: changes which blocks follow its blocks. The first block stays the first one. */
export function optimize(first: Block): void {
  const count = backwards(first).length
  if (count > MAX_BLOCKS) return
  new Optimizer(first, count).run()
}

class Optimizer {
  readonly #nodes: Node[] = []
  readonly #nodeOf = new Map<Block, Node>()
  readonly #edges: Uint32Array[]
  #levels: Node[][] = []
  #changed = false
  /** True if a change was more than another order. */
  #progress = false
  #work = 0

  constructor(
    private readonly first: Block,
    private readonly count: number,
  ) {
    this.#number()
    this.#edges = Array.from({ length: 2 * count }, () => new Uint32Array((2 * count + 31) >> 5))
  }

  run(): void {
    for (let moves = 0; moves < MAX_MOVES && this.#work < MAX_WORK; moves++) {
      this.#changed = this.#progress = false
      this.#findLevels()
      this.#findDominators()
      for (const level of this.#levels.toReversed()) for (const node of level) this.#evaluate(node)
      const tests = this.#levels.slice(1).flat()
      for (const { id } of tests) {
        this.#shorten(id)
        this.#shorten(id + this.count)
      }
      this.#findInto()
      for (const node of tests) {
        this.#pull(node, 'yes', 'no')
        this.#pull(node, 'no', 'yes')
      }
      if (!this.#changed) return
      if (this.#progress) moves = 0
    }
  }

  /** Numbers the blocks: a block, then those after `yes`, then those after `no`. */
  #number(): void {
    const open: Block[] = [this.first]
    const words = (this.count + 31) >> 5
    for (let block; (block = open.pop()) !== undefined;) {
      if (this.#nodeOf.has(block)) continue
      const id = this.#nodes.length
      const node = { block, id, level: 0, a: '', code: '', into: [], dominators: new Uint32Array(words) }
      this.#nodes.push(node)
      this.#nodeOf.set(block, node)
      if (block.no !== undefined) open.push(block.no)
      if (block.yes !== undefined) open.push(block.yes)
    }
  }

  #node(block: Block | undefined): Node {
    return this.#nodeOf.get(block!)!
  }

  /** Returns where an edge leads. */
  #target(edge: number): Block | undefined {
    const { block } = this.#nodes[edge % this.count]!
    return edge < this.count ? block.yes : block.no
  }

  /** Finds the longest way from each block to the end. The last block that is found is the first of its level. */
  #findLevels(): void {
    this.#levels = []
    for (const block of backwards(this.first)) {
      const node = this.#node(block)
      node.level =
        block.yes === undefined ? 0 : Math.max(this.#node(block.yes).level, this.#node(block.no).level) + 1
      const level = (this.#levels[node.level] ??= [])
      level.unshift(node)
    }
  }

  /** Finds the blocks and edges on all ways to each block and edge. */
  #findDominators(): void {
    for (const { dominators } of this.#nodes) dominators.fill(0xffffffff)
    for (const edge of this.#edges) edge.fill(0xffffffff)
    const { id } = this.#node(this.first)
    this.#nodes[id]!.dominators.fill(0)
    this.#edges[id]!.fill(0)
    this.#edges[id + this.count]!.fill(0)
    for (const node of this.#levels.toReversed().flat()) {
      insert(node.dominators, node.id)
      if (node.block.yes === undefined) continue
      for (const edge of [node.id, node.id + this.count]) {
        const next = this.#node(this.#target(edge))
        const set = this.#edges[edge]!
        insert(set, edge)
        intersect(next.dominators, node.dominators)
        intersect(this.#edges[next.id]!, set)
        intersect(this.#edges[next.id + this.count]!, set)
        this.#work += 5 * set.length
      }
    }
  }

  /** Notes what a block has in A, and simplifies its comparison. */
  #evaluate(node: Node): void {
    const { block } = node
    const { test, steps } = block
    if (test === undefined) return
    const last = steps.at(-1)
    const masks = last?.op === 'and' && 'k' in last && block.left === JSON.stringify(steps)
    node.a = block.difference ? `${block.left} - ${block.right}` : block.left
    if (block.difference) {
      block.difference = false
      this.#changed = this.#progress = true
    } else if (masks && block.known === undefined && test.op === 'jeq' && test.k === 0) {
      block.steps = steps.slice(0, -1)
      block.left = JSON.stringify(block.steps)
      block.right = last.k
      block.test = { op: 'jset', k: last.k }
      ;[block.yes, block.no] = [block.no, block.yes]
      this.#changed = this.#progress = true
    }
    node.code = `${block.test!.op} ${typeof block.right === 'number' ? 'k' : 'x'}`
    if (block.known !== undefined && (masks || isNumber(node.a)) && block.yes !== block.no) {
      block.yes = block.no = block.known ? block.yes : block.no
      this.#changed = this.#progress = true
    }
  }

  /** Lets an edge skip the blocks whose results are known there. */
  #shorten(edge: number): void {
    const after = this.#target(edge)!
    if (after.yes === undefined) return
    if (after.yes === after.no) {
      this.#lead(edge, after.yes)
      this.#progress = true
    }
    for (let skipped = true; skipped;) {
      skipped = false
      const next = this.#node(this.#target(edge))
      if (next.block.yes === undefined) return
      const target = this.#known(next, this.#edges[edge]!)
      if (target === undefined) return
      this.#lead(edge, target)
      skipped = true
    }
  }

  #lead(edge: number, target: Block): void {
    const { block } = this.#nodes[edge % this.count]!
    if (edge < this.count) block.yes = target
    else block.no = target
    this.#changed = true
  }

  /** Returns where a block leads, if one of the edges before it tells. */
  #known({ block, a, code }: Node, edges: Uint32Array): Block | undefined {
    for (let word = 0; word < edges.length; word++) {
      this.#work++
      for (let bits = edges[word]!; bits !== 0; bits &= bits - 1) {
        const edge = 32 * word + 31 - Math.clz32(bits & -bits)
        const earlier = this.#nodes[edge % this.count]!
        this.#work++
        if (earlier.code !== code || earlier.a !== a) continue
        const yes = edge < this.count
        if (earlier.block.right === block.right) return yes ? block.yes : block.no
        if (yes && code === 'jeq k') return block.no
      }
    }
    return undefined
  }

  /** Finds the edges that lead to each block. */
  #findInto(): void {
    for (const node of this.#nodes) node.into = []
    for (const { id, block } of this.#levels.slice(1).toReversed().flat()) {
      this.#node(block.yes).into.unshift(id)
      this.#node(block.no).into.unshift(id + this.count)
    }
  }

  /**
   * In a row of blocks that all lead to the same block with `out`, moves a block that tests the number in A before the
   * blocks that load another one.
   */
  #pull(node: Node, out: 'yes' | 'no', on: 'yes' | 'no'): void {
    const { block, id, into } = node
    const [edge] = into
    if (edge === undefined) return
    const { a } = this.#nodes[edge % this.count]!
    if (into.some(each => this.#nodes[each % this.count]!.a !== a)) return
    /** Returns true for a block of the row. */
    const belongs = (each: Block | undefined): each is Block =>
      each?.[out] !== undefined && each[out] === block[out] && has(this.#node(each).dominators, id)

    // The first block with another number in A, and the block before it.
    let [before, other] = [undefined as Block | undefined, block as Block | undefined]
    for (;;) {
      this.#work++
      if (!belongs(other)) return
      if (this.#node(other).a !== a) break
      ;[before, other] = [other, other[on]]
    }
    // The block after it with the same number.
    let last = other
    for (let next = last[on]; ; next = last[on]) {
      this.#work++
      if (!belongs(next)) return
      if (this.#node(next).a === a) break
      last = next
    }
    const pulled = last[on]!
    last[on] = pulled[on]
    pulled[on] = other
    if (before !== undefined) before[on] = pulled
    else for (const each of into) this.#redirect(each, block, pulled)
    this.#changed = true
  }

  /** Lets an edge to a block lead to another block. */
  #redirect(edge: number, from: Block, to: Block): void {
    const { block } = this.#nodes[edge % this.count]!
    if (block.yes === from) block.yes = to
    else block.no = to
  }
}

function isNumber(a: string): boolean {
  return a.startsWith('#') || a.startsWith('[{"op":"ld","mode":"imm"')
}

function insert(set: Uint32Array, at: number): void {
  set[at >> 5]! |= 1 << (at & 31)
}

function has(set: Uint32Array, at: number): boolean {
  return (set[at >> 5]! & (1 << (at & 31))) !== 0
}

function intersect(set: Uint32Array, other: Uint32Array): void {
  for (let i = 0; i < set.length; i++) set[i]! &= other[i]!
}
