// Formats numbers and tables as text.
import rows from '../goals.mjs'
import { worst } from './arithmetic.mjs'

/** Formats a number with three significant digits, with k and M. */
export function short(value) {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, 'M'] : value >= 1e4 ? [value / 1e3, 'k'] : [value, '']
  return `${scaled.toPrecision(3).includes('e') ? scaled.toFixed(0) : scaled.toPrecision(3)}${unit}`
}

export const fixed = digits => value => value.toFixed(digits)

/** Aligns cells in columns: the first column to the left, the others to the right. */
export function table(lines) {
  const widths = lines[0].map((_, at) => Math.max(...lines.map(row => row[at].length)))
  const numeric = at => lines.slice(1).some(row => /^-?\d/.test(row[at]))
  const text = row =>
    row
      .map((cell, at) => (at === 0 || !numeric(at) ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  ')
      .trimEnd()
  return [
    text(lines[0]),
    widths.map(width => '-'.repeat(width)).join('  '),
    ...lines.slice(1).map(text),
  ].join('\n')
}

/** Formats a cell of cell() in arithmetic.mjs for its column. */
function cellText({ format, brief }, value) {
  if (value === null) return '-'
  const { median, min, max } = value
  return brief ? format(median) : `${format(median)} (${format(min)}..${format(max)})`
}

/** Returns the rows of a table of results. The first row is the header. */
export function tableRows(columns, variants) {
  return [
    ['variant', ...columns.map(({ title }) => title)],
    ...variants.map(({ name, missing, cells }) =>
      cells.every(each => each === null)
        ? [name, missing ?? '-', ...columns.slice(1).map(() => '')]
        : [name, ...cells.map((each, at) => cellText(columns[at], each))],
    ),
  ]
}

/** Returns text such as "at least 0.93 (0.98)": the minimum, and the goal. */
export function boundText({ atLeast, atMost, unit }) {
  const { must, stretch } = atLeast ?? atMost
  const bounds = [must, stretch].map(bound => (bound === undefined ? '-' : String(bound)))
  return `${atLeast === undefined ? 'at most' : 'at least'} ${bounds.join(' / ')}${unit === undefined ? '' : ` ${unit}`}`
}

const significant = value =>
  Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))

/** Returns text such as "rate 0.81 (0.79..0.85) x C epoll". */
export function foundText({ metric, to, minus, unit, value }) {
  if (value === null) return `${metric}${to === undefined ? '' : ` x ${to}`}`
  const { median, min, max } = value
  const number = `${significant(median)} (${significant(min)}..${significant(max)})`
  const what = unit === undefined ? '' : ` ${unit}`
  const relation = to !== undefined ? ` x ${to}` : minus !== undefined ? ` more than ${minus}` : ''
  return `${metric} ${number}${what}${relation}`
}

/** Returns text such as "0.64, the smallest addon": the median of the goal's limit, or '' without one. */
export const limitText = ({ limit, limited = null }) =>
  limited === null ? '' : `${significant(limited.median)}, ${limit}`

export function goalLine(goal) {
  const limit = limitText(goal)
  const { row, verdict, of } = goal
  return `goal ${row.padEnd(3)} ${verdict.padEnd(12)}  ${of}: ${foundText(goal)}, ${boundText(goal)}${limit && `; limit ${limit}`}`
}

/** Returns all goals by row, as rows of a table: number, case, verdict, measured value, its bound and its limit. */
export function summaryOf({ questions }) {
  const goals = questions.flatMap(({ tables }) => tables.flatMap(({ goals }) => goals))
  const head = [['row', 'case', 'verdict', 'measured', 'bounds (must / stretch)', 'limit']]
  return Object.entries(rows).reduce((lines, [row, what]) => {
    const own = goals.filter(goal => goal.row === row)
    if (own.length === 0) return lines
    const first = [row, what, worst(own.map(({ verdict }) => verdict))]
    const line = (goal, at) => {
      const mark = own.length > 1 ? ` [${goal.verdict}]` : ''
      const head = at === 0 ? first : ['', '', '']
      return [...head, foundText(goal) + mark, boundText(goal), limitText(goal)]
    }
    return [...lines, ...own.map(line)]
  }, head)
}
