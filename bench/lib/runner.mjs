// Runs questions: starts all programs of a table and measures a window of each in turn, many times. Prints a table for each.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { cell, spread, verdictWithin } from './arithmetic.mjs'
import { file } from './build.mjs'
import { peerVersions } from './commands.mjs'
import { allowedCores, describeMachine } from './machine.mjs'
import { startPair } from './pair.mjs'
import { goalLine, summaryOf, table, tableRows } from './text.mjs'

const FOREIGN_LIMIT = 12 // per cent of a core
const WARMUP = 0.3 // seconds of a window of the warm-up

/** Returns a sentence about the samples that other processes disturbed. */
export const disturbance = ({ disturbed, total }) =>
  `Other processes used more than ${FOREIGN_LIMIT} % of a core during ${disturbed} of ${total} samples.`

const given = (command, context) => (typeof command === 'function' ? command(context) : command)

function pairOf(each, { server, client }, context, place) {
  const { transport, address, network } = each
  const [first, second] = context.cores
  // place: 'one' core for both, 'two' cores (the default), or 'any' core for the client.
  const cores = { server: first, client: { one: first, any: `${first},${second}` }[each.place] ?? second }
  const socket = path.join(context.directory, `socket-${place}`)
  return {
    transport,
    address,
    network,
    server: given(server, context),
    client: given(client, context),
    cores,
    socket,
  }
}

/** Starts the variants of a table. Returns those that have started. `failed` gets the reason of each other one. */
async function started(variants, failed) {
  const running = []
  for (const { name, pair } of variants) {
    try {
      running.push({ name, ...(await startPair(pair)) })
    } catch (error) {
      failed[name] = `failed: ${error.message}`
    }
  }
  return running
}

/** Measures a window of each program. Returns a sample for each. Ends each other one, and `failed` gets the reason. */
async function measureRound(running, seconds, failed) {
  const round = {}
  for (const { name, measure, end } of running) {
    if (failed[name] !== undefined) continue
    try {
      const taken = await measure(seconds)
      if (taken.missing === undefined) round[name] = taken
      else failed[name] = taken.missing
    } catch (error) {
      failed[name] = `failed: ${error.message}`
      await end() // it would disturb the others
    }
  }
  return round
}

/** Starts the variants, and measures them in rounds. */
async function repeat(variants, { warmups, rounds, seconds }, failed) {
  const running = await started(variants, failed)
  try {
    for (let i = 0; i < warmups; i++) await measureRound(running, WARMUP, failed)
    const measured = []
    for (let i = 0; i < rounds; i++) {
      measured.push(await measureRound(running, seconds, failed))
      running.reverse()
    }
    return measured
  } finally {
    for (const { end } of running) await end()
  }
}

/** Returns samples[repetition][round][variant], the reason of each variant without samples, and every failure. */
async function measure(each, context, progress) {
  const all = each.variants.map((variant, at) => ({
    name: variant.name,
    pair: pairOf(each, variant, context, at),
  }))
  const missing = Object.fromEntries(
    all.map(({ name, pair }) => [name, pair.server?.missing ?? pair.client.missing]),
  )
  const variants = all.filter(({ name }) => missing[name] === undefined)
  const rounds = each.rounds === undefined ? context : { ...context, warmups: 0, rounds: each.rounds }
  const samples = []
  const failures = []
  let failed = {} // in the last repetition
  for (let i = 0; i < context.repetitions; i++) {
    progress(`${i + 1}/${context.repetitions}`)
    failed = {}
    const order = i % 2 === 0 ? variants : variants.toReversed()
    const parts = []
    for (const group of each.alone ? order.map(variant => [variant]) : [order])
      parts.push(await repeat(group, rounds, failed))
    samples.push((parts[0] ?? []).map((_, at) => Object.assign({}, ...parts.map(part => part[at]))))
    for (const [name, reason] of Object.entries(failed))
      if (reason.startsWith('failed')) failures.push(`${name} ${reason}`)
  }
  for (const { name } of variants)
    if (!samples.flat().some(round => round[name] !== undefined)) missing[name] = failed[name]
  return { samples, missing, failures }
}

/** Returns the load of other processes in a repetition of each variant, in per cent of a core. */
const foreignOf = samples =>
  samples.flatMap(rounds => {
    const names = [...new Set(rounds.flatMap(Object.keys))]
    const loads = name => rounds.flatMap(round => round[name]?.foreign ?? [])
    return names.map(name => spread(loads(name)).median)
  })

/** Returns the part of a table that the summary, the file of results and the report need. */
async function resultOf(each, context, progress) {
  const { title, columns, goals = [] } = each
  const reason = each.needs?.()
  const measured =
    reason === undefined
      ? await measure(each, context, progress)
      : {
          samples: [],
          failures: [],
          missing: Object.fromEntries(each.variants.map(({ name }) => [name, reason])),
        }
  const { samples, missing, failures } = measured
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
  const foreign = foreignOf(samples)
  const disturbed = foreign.filter(load => load > FOREIGN_LIMIT).length
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
    disturbed,
    total: foreign.length,
    failures,
    samples,
  }
}

function show(result, smoke) {
  const lines = [table(result.rows)]
  if (!smoke) lines.push(...result.goals.map(goalLine))
  if (result.disturbed > 0) lines.push(disturbance(result))
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

/** `options`: repetitions, rounds, warmups, seconds, smoke, to (a file). Prints tables, writes results/*.json, and
 * returns what is in it. */
export async function run(questions, options) {
  const { repetitions, rounds, warmups, seconds, smoke } = options
  const results = { time: new Date().toISOString(), machine: describeMachine(), peers: peerVersions() }
  Object.assign(results, { repetitions, rounds, seconds, warmup: warmups * WARMUP, questions: [] })
  const [first, second = first] = allowedCores()
  if (first === second) console.log('Only one core: client and server share it in every table.')
  const { cpu, cores, kernel, node, commit } = results.machine
  console.log(`${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, ${commit}`)
  console.log(
    `${repetitions} repetitions of ${rounds} windows of ${seconds} s: median (least..most), ratios within a round of windows`,
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
    tables.flatMap(({ title, failures }) => failures.map(failure => `${title}: ${failure}`)),
  )
