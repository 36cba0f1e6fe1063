// Computes medians, ratios within a round, and whether a goal is met.

/** Returns the median, the least and the most of a list of numbers. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
  return { median, min: sorted[0], max: sorted.at(-1) }
}

/**
 * Returns a metric of a variant over all repetitions: samples[repetition][round][variant][metric]. With `to` it is the
 * ratio to that variant within each round, with `minus` the difference from that variant. The value of a repetition is
 * the median of its rounds. Returns `null` if no round has both.
 */
export function cell(samples, name, { metric, to, minus }) {
  const other = to ?? minus
  const valueOf = round => {
    const [value, reference] = [round[name]?.[metric], other === undefined ? 0 : round[other]?.[metric]]
    if (value === undefined || reference === undefined) return []
    return [to === undefined ? value - reference : value / reference]
  }
  const values = samples
    .map(rounds => rounds.flatMap(valueOf))
    .filter(found => found.length > 0)
    .map(found => spread(found).median)
  return values.length === 0 ? null : spread(values)
}

/**
 * Returns the verdict on a goal's median: 'stretch' (the project's goal), 'must' (only the minimum),
 * 'MISSED' or 'not measured'. A goal is `{ atLeast: { must, stretch } }` or `{ atMost: ... }`; a bound that
 * is omitted counts as met.
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

/**
 * Returns the verdict on a goal with a limit: a variant that does the least work, against the same reference. A goal
 * that is MISSED is 'out of reach' if the median of the limit misses the minimum too. A variant that the package beats,
 * in all repetitions of that variant, is no limit.
 */
export function verdictWithin(goal, value, limit) {
  const own = verdict(goal, value)
  if (own !== 'MISSED' || verdict(goal, limit) !== 'MISSED') return own
  const beaten = goal.atLeast === undefined ? value.median < limit.min : value.median > limit.max
  return beaten ? own : 'out of reach'
}

/** Returns the verdict on a row: the worst verdict of its measured goals. */
export const worst = verdicts =>
  ['MISSED', 'out of reach', 'must', 'stretch'].find(each => verdicts.includes(each)) ?? 'not measured'
