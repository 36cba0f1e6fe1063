// Runs questions in interleaved repetitions, every second one in reverse order. Prints a table for each.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { cell, verdictWithin } from './arithmetic.mjs'
import { file } from './build.mjs'
import { peerVersions } from './commands.mjs'
import { allowedCores, describeMachine, untilQuiet } from './machine.mjs'
import { runPair } from './pair.mjs'
import { goalLine, summaryOf, table, tableRows } from './text.mjs'

export const FOREIGN_LIMIT = 12 // per cent of a core
const PATIENCE = 3000 // ms to wait for a quiet machine before a sample is retaken

const given = (command, context) => (typeof command === 'function' ? command(context) : command)

/** Takes a sample, again while other processes use the machine, and keeps the one with the least foreign load. */
async function sample(take, retakes) {
  let best
  for (let takes = 1; takes <= 1 + retakes; takes++) {
    if (takes > 1) await untilQuiet(FOREIGN_LIMIT / 100, PATIENCE)
    const taken = await take()
    if (taken.missing !== undefined) return taken
    if (best === undefined || taken.foreign < best.foreign) best = { ...taken, takes }
    if (best.foreign <= FOREIGN_LIMIT) break
  }
  return best
}

function samplerOf(each, { name, server, client }, context) {
  const { transport, address, network, place } = each
  const [first, second] = context.cores
  const ends = { server: given(server, context), client: given(client, context) }
  const missing = ends.server?.missing ?? ends.client.missing
  if (missing !== undefined) return { name, missing }
  // place: 'one' core for both, 'two' cores (the default), or 'any' core for the client.
  const cores = { server: first, client: { one: first, any: `${first},${second}` }[place] ?? second }
  const { warmup, seconds, directory, retakes } = context
  const pair = { transport, address, network, ...ends, cores, warmup, seconds, directory }
  return { name, take: () => sample(() => runPair(pair), retakes) }
}

/** Returns samples[repetition][variant], and for each variant without samples the reason. */
async function measure(each, context, progress) {
  const samplers = each.variants.map(variant => samplerOf(each, variant, context))
  const missing = Object.fromEntries(samplers.map(({ name, missing }) => [name, missing]))
  const samples = []
  for (let repetition = 0; repetition < context.repetitions; repetition++) {
    const round = {}
    for (const { name, take } of repetition % 2 === 0 ? samplers : samplers.toReversed()) {
      if (missing[name] !== undefined) continue
      progress(`${repetition + 1}/${context.repetitions} ${name}`)
      try {
        const taken = await take()
        if (taken.missing === undefined) round[name] = taken
        else missing[name] = taken.missing
      } catch (error) {
        missing[name] = `failed: ${error.message}`
      }
    }
    samples.push(round)
  }
  return { samples, missing }
}

const keptOf = samples =>
  samples.flatMap(round => Object.values(round)).filter(({ foreign }) => foreign > FOREIGN_LIMIT).length

/** Returns the part of a table that the summary, the file of results and the report need. */
async function resultOf(each, context, progress) {
  const { title, columns, goals = [] } = each
  const reason = each.needs?.()
  const measured =
    reason === undefined
      ? await measure(each, context, progress)
      : { samples: [], missing: Object.fromEntries(each.variants.map(({ name }) => [name, reason])) }
  const { samples, missing } = measured
  const variants = each.variants.map(({ name }) => ({
    name,
    missing: missing[name] ?? null,
    cells: columns.map(column => cell(samples, name, column)),
  }))
  const verdicts = goals.map(goal => {
    const value = cell(samples, goal.of, goal)
    const limited = goal.limit === undefined ? null : cell(samples, goal.limit, goal)
    return { ...goal, value, limited, verdict: verdictWithin(goal, value, limited) }
  })
  const kept = keptOf(samples)
  const total = samples.reduce((sum, round) => sum + Object.keys(round).length, 0)
  // The column of the chart, and its label there.
  const chart = columns.findIndex(each => each.chart !== undefined)
  const axis = columns[chart]?.chart
  return {
    title,
    chart,
    axis,
    rows: tableRows(columns, variants),
    variants,
    goals: verdicts,
    kept,
    total,
    samples,
  }
}

function show(result, smoke) {
  const lines = [table(result.rows)]
  if (!smoke) lines.push(...result.goals.map(goalLine))
  if (result.kept > 0)
    lines.push(
      `${result.kept} of ${result.total} samples were taken while other processes used more than ${FOREIGN_LIMIT} % of a core`,
    )
  console.log(`\n${result.title}\n\n${lines.join('\n')}`)
}

/** Creates a file with that many bytes, without holes. */
function writeFile(name, size) {
  const piece = Buffer.alloc(1 << 20, 'bsd-sockets')
  rmSync(name, { force: true })
  for (let at = 0; at < size; at += piece.length)
    writeFileSync(name, piece.subarray(0, size - at), { flag: 'a', flush: at + piece.length >= size })
}

/** Removes what a smoke run does not need: further sizes, and programs that no goal refers to. */
function forSmoke(each) {
  const named = new Set((each.goals ?? []).flatMap(({ of, to, minus, limit }) => [of, to, minus, limit]))
  const ours = ({ name }) => name.startsWith('bsd-sockets')
  return { ...each, variants: each.variants.filter(variant => named.has(variant.name) || ours(variant)) }
}

// Saved after each question, so that an interrupted run keeps its measurements.
function save(results, { smoke, to }) {
  const name = `results/${smoke ? 'smoke-' : ''}${results.time.replace(/[:.]/g, '-')}.json`
  mkdirSync(file('results'), { recursive: true })
  writeFileSync(to ?? file(name), `${JSON.stringify(results, null, 1)}\n`)
  return to ?? `bench/${name}`
}

/** `options`: repetitions, seconds, warmup, retakes, smoke, to (a file). Prints tables, writes results/*.json, and
 * returns what is in it. */
export async function run(questions, options) {
  const { repetitions, seconds, warmup, smoke } = options
  const results = { time: new Date().toISOString(), machine: describeMachine(), peers: peerVersions() }
  Object.assign(results, { repetitions, seconds, warmup, questions: [] })
  const [first, second = first] = allowedCores()
  if (first === second) console.log('Only one core: client and server share it in every table.')
  const { cpu, cores, kernel, node, commit } = results.machine
  console.log(`${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, ${commit}`)
  console.log(
    `${repetitions} repetitions of ${seconds} s after ${warmup} s of warm-up: median (least..most), ratios within each repetition`,
  )
  const progress = text => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`)
  const directory = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-bench-'))
  const context = { ...options, directory, cores: [first, second], file: path.join(directory, 'file') }
  try {
    for (const { name, tables } of questions) {
      const done = { name, tables: [] }
      results.questions.push(done)
      for (const each of smoke ? tables.filter(({ smoke }) => smoke !== false).map(forSmoke) : tables) {
        if (each.file !== undefined)
          writeFile(context.file, smoke ? Math.min(each.file, 32 << 20) : each.file)
        const result = await resultOf(each, context, text => progress(`${each.title}: ${text}`))
        progress('')
        show(result, smoke)
        done.tables.push(result)
      }
      save(results, options)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  if (!smoke) console.log(`\nGoals by row\n\n${table(summaryOf(results))}`)
  console.log(`\n${save(results, options)}`)
  return results
}

/** Returns the samples that failed, except those of peers that are not installed. */
export const failuresOf = ({ questions }) =>
  questions.flatMap(({ tables }) =>
    tables.flatMap(({ title, variants }) =>
      variants
        .filter(({ missing }) => missing?.startsWith('failed'))
        .map(({ name, missing }) => `${title}: ${name} ${missing}`),
    ),
  )
