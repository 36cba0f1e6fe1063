// Numbers and tables for people.

/** Three significant digits, with k and M. */
export function short(value) {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, 'M'] : value >= 1e4 ? [value / 1e3, 'k'] : [value, '']
  return `${scaled.toPrecision(3).includes('e') ? scaled.toFixed(0) : scaled.toPrecision(3)}${unit}`
}

export const fixed = digits => value => value.toFixed(digits)

/** Cells under each other: the first column to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map(row => row[at].length)))
  const text = row =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ')
  return [text(rows[0]), widths.map(width => '-'.repeat(width)).join('  '), ...rows.slice(1).map(text)].join(
    '\n',
  )
}
