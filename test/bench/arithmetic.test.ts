import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { root } from '../helpers/child'

/** The value of an expression in a module of the bench, which is ES and so no part of jest's world. */
function evaluate(module: string, expression: string): unknown {
  const url = pathToFileURL(path.join(root, 'bench/lib', module)).href
  const script = `import * as it from ${JSON.stringify(url)}; console.log(JSON.stringify(${expression}))`
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  )
}
const arithmetic = (expression: string): unknown => evaluate('arithmetic.mjs', expression)

test('the median, of odd and even counts, and of one', () => {
  expect(arithmetic('[[3, 1, 2], [10, 9, 2, 1], [5]].map(it.spread)')).toEqual([
    { median: 2, min: 1, max: 3 },
    { median: 5.5, min: 1, max: 10 },
    { median: 5, min: 5, max: 5 },
  ])
})

test('values are compared as numbers, and the samples stay in their order', () => {
  expect(arithmetic('(values => [it.spread(values).median, values])([100, 20, 3])')).toEqual([
    20,
    [100, 20, 3],
  ])
})

const samples = `[
  { a: { rate: 10 }, b: { rate: 5 } },
  { a: { rate: 30 }, b: { rate: 10 } },
  { a: { rate: 50 } },
]`
const cell = (name: string, what: string): unknown => arithmetic(`it.cell(${samples}, '${name}', ${what})`)

test('a ratio is taken within each repetition, not between medians', () => {
  expect(cell('a', "{ metric: 'rate', to: 'b' }")).toEqual({ median: 2.5, min: 2, max: 3 })
})

test('a difference, and a metric alone', () => {
  expect(cell('a', "{ metric: 'rate', minus: 'b' }")).toEqual({ median: 12.5, min: 5, max: 20 })
  expect(cell('a', "{ metric: 'rate' }")).toEqual({ median: 30, min: 10, max: 50 })
})

test('nothing to compare with is no value', () => {
  expect(cell('a', "{ metric: 'rate', to: 'c' }")).toBeNull()
  expect(cell('c', "{ metric: 'rate' }")).toBeNull()
  expect(cell('a', "{ metric: 'memory' }")).toBeNull()
})

const verdicts = (goal: string, medians: (number | null)[]): unknown =>
  arithmetic(
    `${JSON.stringify(medians)}.map(median => it.verdict(${goal}, median === null ? null : { median }))`,
  )

test('what has to be large', () => {
  expect(verdicts('{ atLeast: { must: 0.9, stretch: 1 } }', [0.89, 0.9, 0.99, 1, null])).toEqual([
    'MISSED',
    'must',
    'must',
    'stretch',
    'not measured',
  ])
})

test('what has to be small', () => {
  expect(verdicts('{ atMost: { must: 600, stretch: 400 } }', [601, 600, 400, 0])).toEqual([
    'MISSED',
    'must',
    'stretch',
    'stretch',
  ])
})

test('a goal of one bound only', () => {
  expect(verdicts('{ atLeast: { must: 2 } }', [1.9, 2])).toEqual(['MISSED', 'stretch'])
  expect(verdicts('{ atMost: { stretch: 2 } }', [2.1, 2])).toEqual(['must', 'stretch'])
})

test('a row is as good as the worst of its goals that were measured', () => {
  expect(
    arithmetic(
      "[['stretch', 'must'], ['must', 'MISSED', 'stretch'], ['not measured', 'stretch'], ['not measured'], []].map(it.worst)",
    ),
  ).toEqual(['must', 'MISSED', 'stretch', 'not measured', 'not measured'])
})

test('rates and CPU of a window, and the load that is nobody of ours', () => {
  const window = '{ messages: 1000, seconds: 2, clientCpu: 0.5, serverCpu: 1, machineCpu: 1.75, grown: 3 }'
  expect(evaluate('pair.mjs', `it.sampleOf(${window})`)).toEqual({
    rate: 500,
    clientCpu: 500,
    serverCpu: 1000,
    clientLoad: 25,
    serverLoad: 50,
    foreign: 12.5,
    grown: 3,
  })
})

test('the summary has a line for each goal, and the verdict with the first', () => {
  const goal = "{ row: '3a', of: 'us', metric: 'rate', to: 'C', atLeast: { must: 1, stretch: 2 } }"
  const value = (median: number): string => `value: { median: ${median}, min: 1, max: 1234.5 }`
  const goals = `[
    { ...${goal}, ${value(1.5)}, verdict: 'must' },
    { ...${goal}, ${value(0.123456)}, verdict: 'MISSED' },
    { ...${goal}, row: '4a', minus: 'C', to: undefined, unit: 'us', ${value(2)}, verdict: 'stretch' },
  ]`
  expect(evaluate('text.mjs', `it.summaryOf({ questions: [{ tables: [{ goals: ${goals} }] }] })`)).toEqual([
    ['row', 'case', 'verdict', 'measured', 'bounds (must / stretch)'],
    ['3a', expect.any(String), 'MISSED', 'rate 1.5 (1..1235) x C [must]', 'at least 1 / 2'],
    ['', '', '', 'rate 0.123 (1..1235) x C [MISSED]', 'at least 1 / 2'],
    ['4a', expect.any(String), 'stretch', 'rate 2 (1..1235) us more than C', 'at least 1 / 2 us'],
  ])
})
