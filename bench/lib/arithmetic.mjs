// What becomes of samples: medians, ratios within a repetition, and whether a goal is met.

/** Of numbers: the median, the least and the most. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
  return { median, min: sorted[0], max: sorted.at(-1) }
}

/**
 * A metric of a variant over all repetitions: samples[repetition][variant][metric]. With `to` its ratio to
 * that variant within each repetition, with `minus` its difference from that variant. `null` where there is
 * no repetition that has both.
 */
export function cell(samples, name, { metric, to, minus }) {
  const other = to ?? minus
  const values = samples.flatMap(round => {
    const [value, reference] = [round[name]?.[metric], other === undefined ? 0 : round[other]?.[metric]]
    if (value === undefined || reference === undefined) return []
    return [to === undefined ? value - reference : value / reference]
  })
  return values.length === 0 ? null : spread(values)
}

/**
 * What a goal's median says: 'stretch' (the project's goal), 'must' (only the floor under which nothing ships),
 * 'MISSED', or 'not measured'. A goal is `{ atLeast: { must, stretch } }` or `{ atMost: ... }`; a bound that is
 * left out is met.
 */
export function verdict({ atLeast, atMost }, value) {
  if (value === null) return 'not measured'
  const meets = name => {
    if (atLeast !== undefined) return atLeast[name] === undefined || value.median >= atLeast[name]
    return atMost[name] === undefined || value.median <= atMost[name]
  }
  if (!meets('must')) return 'MISSED'
  return meets('stretch') ? 'stretch' : 'must'
}

/** A row's verdict is the worst of its goals' that were measured. */
export const worst = verdicts =>
  ['MISSED', 'must', 'stretch'].find(each => verdicts.includes(each)) ?? 'not measured'
