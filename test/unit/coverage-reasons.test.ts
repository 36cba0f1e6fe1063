interface Reason {
  line: number
  from: number
  to: number
  reason: string
}
interface Gap {
  file: string
  line: number
  kind: string
}
interface Reasons {
  reasonsIn(source: string): Reason[]
  explain(
    gaps: Gap[],
    files: string[],
    read: (file: string) => string,
  ): { text: string; unexplained: number; unused: number }
}
// eslint-disable-next-line @typescript-eslint/no-require-imports -- the script that `npm run coverage` runs
const { reasonsIn, explain } = require('../../scripts/coverage/reasons.cjs') as Reasons

/*
 * The reasons of `npm run coverage` for lines that no test reaches stand in the source. These tests check which lines a
 * reason covers.
 */
const covered = (source: string): [number, number][] => reasonsIn(source).map(({ from, to }) => [from, to])

test('a reason at the end of a line covers that line', () => {
  expect(reasonsIn('a()\nb() // uncovered: a race\nc()')).toEqual([
    { line: 2, from: 2, to: 2, reason: 'a race' },
  ])
})

test('a reason above a statement covers it to its last line', () => {
  expect(covered('// uncovered: x\na()\nb()')).toEqual([[2, 2]])
  expect(covered('// uncovered: x\nif (a) {\n  b()\n\n  c()\n}\nd()')).toEqual([[2, 6]])
  expect(covered('if (a) {\n  // uncovered: x\n  return\n}\nd()')).toEqual([[3, 3]])
  expect(covered('// uncovered: x\n// Why.\nif (a) {\n  b()\n} else {\n  c()\n}\nd()')).toEqual([[3, 7]])
  expect(covered('// uncovered: x\nint f(int a,\n      int b) {\n  return a;\n}\nint g;')).toEqual([[2, 5]])
  expect(covered('// uncovered: x\nf(\n  a: number,\n): number {\n  return a\n}\ng()')).toEqual([[2, 6]])
  expect(covered('// uncovered: x\nf(\n  a,\n)\ng()')).toEqual([[2, 4]])
})

test('a reason for the file covers every line', () => {
  expect(covered('// uncovered file: macOS only\na()\nb()')).toEqual([[1, 3]])
})

test('the report lists gaps by reason, those without a reason first, and reasons without a gap last', () => {
  const source = 'a()\nb() // uncovered: a race\nc() // uncovered: never\n'
  const gaps = [
    { file: 'lib/x.ts', line: 2, kind: 'lines' },
    { file: 'lib/x.ts', line: 2, kind: 'branches' },
    { file: 'lib/x.ts', line: 1, kind: 'lines' },
  ]
  const { text, unexplained, unused } = explain(gaps, ['lib/x.ts'], () => source)
  expect([unexplained, unused]).toEqual([1, 1])
  expect(text.split('\n').filter(Boolean)).toEqual([
    '# without a reason: 1',
    'lib/x.ts:1 (lines) a()',
    '# a race: 1',
    'lib/x.ts:2 (lines) b() // uncovered: a race',
    '# reasons without a gap: delete them: 1',
    'lib/x.ts:3 never',
  ])
})

test('the narrowest reason counts', () => {
  const source = '// uncovered file: wide\n// uncovered: narrow\na()\n'
  expect(explain([{ file: 'x', line: 3, kind: 'lines' }], [], () => source).text).toContain('# narrow: 1')
})
