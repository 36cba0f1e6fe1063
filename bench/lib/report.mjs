// npm run bench -- --report: writes docs/benchmarks.md and its charts, and goals.md, from the results of a run.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { file } from './build.mjs'
import { chartOf } from './charts.mjs'
import rows from '../goals.mjs'
import { disturbance } from './runner.mjs'
import { summaryOf } from './text.mjs'

const docs = file('../docs')
const charts = 'benchmarks'

const escaped = text => String(text).replaceAll('|', '\\|')

function markdownTable([head, ...rows], left) {
  const line = cells => `| ${cells.map(escaped).join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at < left ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

const slug = title =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

function machineOf({ time, machine, peers, repetitions, rounds, seconds, warmup }) {
  const { commit, node, kernel, cpu, cores } = machine
  const there = Object.entries(peers).filter(([, version]) => version !== null)
  const missing = Object.entries(peers).filter(([, version]) => version === null)
  const names = list =>
    list.map(([name, version]) => `${name}${version === null ? '' : ` ${version}`}`).join(', ')
  return [
    `- ${time.slice(0, 10)}, commit ${commit}; ${repetitions} repetitions of ${rounds} windows of ${seconds} s, after ${warmup} s of warm-up`,
    `- ${cpu}, ${cores} cores; Linux ${kernel}; Node ${node}`,
    `- peers: ${names(there)}`,
    ...(missing.length === 0 ? [] : [`- not installed, so not measured: ${names(missing)}`]),
  ].join('\n')
}

const OVERVIEW = 'overview'

/** Returns one table of all rows that have a goal relative to the same work in Node: how many times its rate. */
function overviewOf({ questions }) {
  const goals = questions.flatMap(({ tables }) => tables.flatMap(({ goals }) => goals))
  const compared = goals.filter(
    ({ metric, to, value }) => metric === 'rate' && /^Node/.test(to) && value !== null,
  )
  return {
    title: 'Rate of bsd-sockets, compared with the same work in Node',
    chart: 0,
    axis: 'times the rate of Node',
    variants: compared.map(({ row, value }) => ({ name: rows[row], cells: [value] })),
  }
}

function writeChart(name, svg) {
  writeFileSync(path.join(docs, charts, `${name}.svg`), `${svg}\n`)
  return `${charts}/${name}.svg`
}

async function sectionOf({ name, tables }) {
  const parts = [`## ${name}`]
  for (const result of tables) {
    const svg = await chartOf(result)
    parts.push('', `### ${result.title}`, '')
    if (svg !== null) {
      parts.push(`![${result.title}](${writeChart(slug(result.title), svg)})`, '')
    }
    parts.push(markdownTable(result.rows, 1))
    if (result.disturbed > 0) parts.push('', disturbance(result))
  }
  return parts.join('\n')
}

/** Returns the counts by verdict, in words. */
function tally(rows) {
  const verdicts = rows.map(row => row[2]).filter(Boolean)
  const count = name => verdicts.filter(each => each === name).length
  return (
    `Of ${verdicts.length} rows ${count('stretch')} reach the goal, ${count('must')} reach only the minimum, ` +
    `${count('out of reach')} miss a minimum that their limit misses too, and ${count('MISSED')} miss one that is within reach or has no limit.` +
    (count('not measured') > 0 ? ` ${count('not measured')} were not measured.` : '')
  )
}

export async function writeReport(results) {
  rmSync(path.join(docs, charts), { recursive: true, force: true })
  mkdirSync(path.join(docs, charts), { recursive: true })
  const overview = overviewOf(results)
  const svg = await chartOf(overview)
  const picture = svg === null ? '' : `![${overview.title}](${writeChart(OVERVIEW, svg)})\n\n`
  const sections = []
  for (const question of results.questions) sections.push(await sectionOf(question))
  const text = `# Benchmarks

${readFileSync(file('expect.md'), 'utf8').trim()}

${picture}## How it was measured

${machineOf(results)}

The machine is a small virtual machine. Rates vary by a third from hour to hour, but most ratios repeat to about
2 %. Waking a sleeping core costs more than most operations that are measured. So trust ratios and CPU times first.

All programs of a table run at once, and each in turn works for a tenth of a second while the others stand still. A column with
\`/\` is a ratio within one such round, to the variant after the \`/\`. The value of a repetition is the median of its rounds; each
repetition starts the programs anew. A cell is the median of the repetitions, with (least..most). "C" is the same work in a C program. CPU is user and system time for each message. If \`server %\` or \`client %\` is well under 100, the other
end was slower, and only the CPU columns count. In a clone, \`npm run bench\` measures all of it on your machine.

${sections.join('\n\n')}
`
  writeFileSync(path.join(docs, 'benchmarks.md'), text)
  writeGoals(results)
  console.log('\ndocs/benchmarks.md, bench/goals.md')
}

function writeGoals(results) {
  const [head, ...lines] = summaryOf(results)
  const text = `# Goals

This project has a minimum (must) and a goal (stretch) for each case. Measured at commit ${results.machine.commit}.
${tally(lines)}
A limit is a program that does the least work for the case, measured in the same run against the same reference: usually an
addon that checks nothing. If it misses the minimum too, the verdict is "out of reach" in place of "MISSED".

${markdownTable([head, ...lines], head.length)}
`
  writeFileSync(file('goals.md'), text)
}
