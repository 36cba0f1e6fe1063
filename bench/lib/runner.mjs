// Runs questions: interleaved repetitions, ratios within each, medians over all.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { file } from './build.mjs'
import { allowedCores, describeMachine, untilQuiet } from './machine.mjs'
import { table } from './text.mjs'

const FOREIGN_LIMIT = 12 // per cent of a core
const RETAKES = 2
const PATIENCE = 3000 // ms before a sample is taken again

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
  return { median, min: sorted[0], max: sorted.at(-1) }
}

const show = ({ median, min, max }, format) => `${format(median)} (${format(min)}..${format(max)})`

/** One sample, taken again while somebody else uses the machine. The quietest one is kept. */
async function sample(variant, context) {
  let best
  for (let take = 0; take <= RETAKES; take++) {
    if (take > 0) await untilQuiet(FOREIGN_LIMIT / 100, PATIENCE)
    const taken = await variant.measure(context)
    if (best === undefined || taken.foreign < best.foreign) best = { ...taken, takes: take + 1 }
    if (best.foreign <= FOREIGN_LIMIT || context.smoke) break
  }
  return best
}

/** All repetitions of a table: samples[repetition][variant]. Every other one runs backwards. */
async function measure({ variants }, context, progress) {
  const samples = []
  for (let repetition = 0; repetition < context.repetitions; repetition++) {
    const round = {}
    for (const variant of repetition % 2 === 0 ? variants : variants.toReversed()) {
      progress(`${repetition + 1}/${context.repetitions} ${variant.name}`)
      round[variant.name] = await sample(variant, context)
    }
    samples.push(round)
  }
  return samples
}

// A column shows a metric, or with `to` its ratio to another variant's within each repetition.
function cell(samples, name, { metric, to }) {
  return spread(samples.map(round => round[name][metric] / (to === undefined ? 1 : round[to][metric])))
}

function report({ variants, columns, goals = [] }, samples) {
  const names = variants.map(({ name }) => name)
  const rows = names.map(name => [
    name,
    ...columns.map(column => {
      const value = cell(samples, name, column)
      return column.brief ? column.format(value.median) : show(value, column.format)
    }),
  ])
  const text = [table([['variant', ...columns.map(({ title }) => title)], ...rows])]
  const verdicts = goals.map(({ of, metric, to, atLeast, atMost }) => {
    const value = cell(samples, of, { metric, to })
    const met = atLeast === undefined ? value.median <= atMost : value.median >= atLeast
    const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
    const found = show(value, x => x.toFixed(2))
    text.push(`goal ${met ? 'met   ' : 'MISSED'}  ${of}: ${metric} ${found} x ${to}, ${bound}`)
    return { of, metric, to, atLeast, atMost, met, ...value }
  })
  const kept = samples
    .flatMap(round => Object.values(round))
    .filter(({ foreign }) => foreign > FOREIGN_LIMIT).length
  const total = samples.length * names.length
  if (kept > 0)
    text.push(`${kept} of ${total} samples were kept with more than ${FOREIGN_LIMIT} % foreign load`)
  return { text: text.join('\n'), verdicts, kept }
}

/** `options`: repetitions, seconds, warmup, smoke. Prints tables, writes a JSON file for each question. */
export async function run(questions, options) {
  const machine = describeMachine()
  const [first, second = first] = allowedCores()
  if (first === second) console.log('Only one core: every table is a one-core table.')
  const { cpu, cores, kernel, node, commit } = machine
  console.log(`${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, ${commit}`)
  console.log(
    `${options.repetitions} repetitions of ${options.seconds} s: median (least..most), ratios within each`,
  )
  const interactive = process.stderr.isTTY
  const progress = text => interactive && process.stderr.write(`\r\x1b[K${text}`)
  for (const question of questions) {
    const results = []
    for (const each of question.tables) {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-bench-'))
      try {
        const context = { ...options, directory, cores: [first, second] }
        const samples = await measure(each, context, text => progress(`${each.title}: ${text}`))
        progress('')
        const { text, verdicts, kept } = report(options.smoke ? { ...each, goals: [] } : each, samples)
        console.log(`\n${each.title}\n\n${text}`)
        results.push({ title: each.title, goals: verdicts, kept, samples })
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    }
    const stamp = new Date().toISOString()
    const name = `${question.name}${options.smoke ? '-smoke' : ''}-${stamp.replace(/[:.]/g, '-')}.json`
    mkdirSync(file('results'), { recursive: true })
    const { repetitions, seconds, warmup } = options
    const content = {
      question: question.name,
      time: stamp,
      machine,
      repetitions,
      seconds,
      warmup,
      tables: results,
    }
    writeFileSync(file('results', name), `${JSON.stringify(content, null, 1)}\n`)
    console.log(`\nbench/results/${name}`)
  }
}
