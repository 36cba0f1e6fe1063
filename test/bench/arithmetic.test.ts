import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { root } from '../helpers/child'

/** Evaluates an expression in a module of the benchmarks in a child, because jest here cannot load ES modules. */
function evaluate(module: string, expression: string): unknown {
  const url = pathToFileURL(path.join(root, 'bench/lib', module)).href
  const script = `import * as it from ${JSON.stringify(url)}; console.log(JSON.stringify(${expression}))`
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  )
}
const arithmetic = (expression: string): unknown => evaluate('arithmetic.mjs', expression)

test('spread computes the median of an odd count, an even count and a single value', () => {
  expect(arithmetic('[[3, 1, 2], [10, 9, 2, 1], [5]].map(it.spread)')).toEqual([
    { median: 2, min: 1, max: 3 },
    { median: 5.5, min: 1, max: 10 },
    { median: 5, min: 5, max: 5 },
  ])
})

test('spread compares values as numbers, and does not reorder the samples', () => {
  expect(arithmetic('(values => [it.spread(values).median, values])([100, 20, 3])')).toEqual([
    20,
    [100, 20, 3],
  ])
})

const samples = `[
  [{ a: { rate: 10 }, b: { rate: 5 } }, { a: { rate: 90 }, b: { rate: 1 } }, { a: { rate: 1 }, b: { rate: 1 } }],
  [{ a: { rate: 30 }, b: { rate: 10 } }],
  [{ a: { rate: 50 } }],
]`
const cell = (name: string, what: string): unknown => arithmetic(`it.cell(${samples}, '${name}', ${what})`)

test('a ratio is computed within each round, and a repetition counts with the median of its rounds', () => {
  expect(cell('a', "{ metric: 'rate', to: 'b' }")).toEqual({ median: 2.5, min: 2, max: 3 })
})

test('a cell is a difference with minus, and the metric itself without to', () => {
  expect(cell('a', "{ metric: 'rate', minus: 'b' }")).toEqual({ median: 12.5, min: 5, max: 20 })
  expect(cell('a', "{ metric: 'rate' }")).toEqual({ median: 30, min: 10, max: 50 })
})

test('a cell is null if no round has both variants', () => {
  expect(cell('a', "{ metric: 'rate', to: 'c' }")).toBeNull()
  expect(cell('c', "{ metric: 'rate' }")).toBeNull()
  expect(cell('a', "{ metric: 'memory' }")).toBeNull()
})

const verdicts = (goal: string, medians: (number | null)[]): unknown =>
  arithmetic(
    `${JSON.stringify(medians)}.map(median => it.verdict(${goal}, median === null ? null : { median }))`,
  )

test('a goal with atLeast is met by large values', () => {
  expect(verdicts('{ atLeast: { must: 0.9, stretch: 1 } }', [0.89, 0.9, 0.99, 1, null])).toEqual([
    'MISSED',
    'must',
    'must',
    'stretch',
    'not measured',
  ])
})

test('a goal with atMost is met by small values', () => {
  expect(verdicts('{ atMost: { must: 600, stretch: 400 } }', [601, 600, 400, 0])).toEqual([
    'MISSED',
    'must',
    'stretch',
    'stretch',
  ])
})

test('a goal may have only one bound', () => {
  expect(verdicts('{ atLeast: { must: 2 } }', [1.9, 2])).toEqual(['MISSED', 'stretch'])
  expect(verdicts('{ atMost: { stretch: 2 } }', [2.1, 2])).toEqual(['must', 'stretch'])
})

test('the verdict of a row is the worst of its measured goals', () => {
  expect(
    arithmetic(
      "[['stretch', 'must'], ['must', 'MISSED', 'stretch'], ['not measured', 'stretch'], ['not measured'], []].map(it.worst)",
    ),
  ).toEqual(['must', 'MISSED', 'stretch', 'not measured', 'not measured'])
  expect(
    arithmetic(
      "[['must', 'out of reach', 'stretch'], ['out of reach', 'MISSED'], ['not measured', 'out of reach']].map(it.worst)",
    ),
  ).toEqual(['out of reach', 'MISSED', 'out of reach'])
})

const within = (goal: string, pairs: [number | null, number | null][]): unknown =>
  arithmetic(
    `${JSON.stringify(pairs)}.map(pair => it.verdictWithin(${goal}, ...pair.map(median => median === null ? null : { median, min: median - 0.05, max: median + 0.05 })))`,
  )

test('a goal that is missed is out of reach only if its limit misses the minimum too, and is not slower', () => {
  expect(
    within('{ atLeast: { must: 0.75, stretch: 0.85 } }', [
      [0.6, 0.7],
      [0.6, 0.75],
      [0.64, 0.6],
      [0.66, 0.6],
      [0.6, null],
    ]),
  ).toEqual(['out of reach', 'MISSED', 'out of reach', 'MISSED', 'MISSED'])
  expect(
    within('{ atMost: { must: 100, stretch: 60 } }', [
      [206, 148],
      [206, 100],
      [147, 148],
    ]),
  ).toEqual(['out of reach', 'MISSED', 'MISSED'])
})

test('a limit that misses changes no verdict of a goal that reaches the minimum, or that was not measured', () => {
  expect(
    within('{ atLeast: { must: 0.75, stretch: 0.85 } }', [
      [0.75, 0.7],
      [0.9, 0.7],
      [null, 0.7],
    ]),
  ).toEqual(['must', 'stretch', 'not measured'])
  expect(within('{ atLeast: { stretch: 1 } }', [[0.5, 0.4]])).toEqual(['must'])
})

test('a sample has the rates and CPU of its window, and the load of other processes', () => {
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

test('the summary has a line for each goal, and shows the verdict on the first line of a row', () => {
  const goal = "{ row: '3a', of: 'us', metric: 'rate', to: 'C', atLeast: { must: 1, stretch: 2 } }"
  const value = (median: number): string => `value: { median: ${median}, min: 1, max: 1234.5 }`
  const goals = `[
    { ...${goal}, ${value(1.5)}, verdict: 'must' },
    { ...${goal}, ${value(0.123456)}, limit: 'addon', limited: { median: 0.98765 }, verdict: 'MISSED' },
    { ...${goal}, row: '4a', minus: 'C', to: undefined, unit: 'us', ${value(2)}, verdict: 'stretch' },
  ]`
  expect(evaluate('text.mjs', `it.summaryOf({ questions: [{ tables: [{ goals: ${goals} }] }] })`)).toEqual([
    ['row', 'case', 'verdict', 'measured', 'bounds (must / stretch)', 'limit'],
    ['3a', expect.any(String), 'MISSED', 'rate 1.5 (1..1235) x C [must]', 'at least 1 / 2', ''],
    ['', '', '', 'rate 0.123 (1..1235) x C [MISSED]', 'at least 1 / 2', '0.988, addon'],
    ['4a', expect.any(String), 'stretch', 'rate 2 (1..1235) us more than C', 'at least 1 / 2 us', ''],
  ])
})
