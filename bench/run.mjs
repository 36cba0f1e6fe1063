// npm run bench [-- question ...] [--smoke] [--repetitions N] [--rounds N] [--seconds S] [--with-peers] [--report] [--to FILE] [--from FILE]
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { buildC } from './lib/build.mjs'
import { installPeers } from './lib/commands.mjs'
import { failuresOf, run } from './lib/runner.mjs'

const NAMES = [
  ...['file', 'udp-send', 'udp-receive', 'pingpong', 'echo', 'stream', 'unix-dgram', 'icmp'],
  ...['accept', 'idle', 'zerocopy', 'call', 'capture', 'http', 'dgram'],
]

function quit(message) {
  console.error(message)
  process.exit(2)
}

function number(name, text, least) {
  const value = Number(text)
  return value >= least && value < 1000 ? value : quit(`--${name} must be a number from ${least}`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    smoke: { type: 'boolean', default: false },
    repetitions: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    'with-peers': { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    to: { type: 'string' },
    from: { type: 'string' },
  },
})
const unknown = positionals.find(name => !NAMES.includes(name))
if (unknown !== undefined) quit(`No question "${unknown}". There are: ${NAMES.join(', ')}.`)

async function measured() {
  if (process.platform !== 'linux') quit('The bench reads /proc and pins with taskset: Linux only.')
  if (spawnSync('taskset', ['-V']).status !== 0) quit('taskset (util-linux) is missing.')
  const { smoke } = values
  if (values['with-peers']) installPeers()
  buildC()
  const wanted = NAMES.filter(name => positionals.length === 0 || positionals.includes(name))
  const questions = await Promise.all(
    wanted.map(async name => (await import(`./questions/${name}.mjs`)).default),
  )
  return run(questions, {
    smoke,
    to: values.to,
    repetitions: Math.floor(number('repetitions', values.repetitions ?? (smoke ? 1 : 4), 1)),
    rounds: Math.floor(number('rounds', values.rounds ?? (smoke ? 1 : 8), 1)),
    seconds: number('seconds', values.seconds ?? 0.1, 0.05),
    warmups: smoke ? 0 : 4, // for about a second, V8 still compiles the code of a server
  })
}

const results = values.from === undefined ? await measured() : JSON.parse(readFileSync(values.from, 'utf8'))
if (values.report) {
  const { writeReport } = await import('./lib/report.mjs')
  await writeReport(results)
}
const failures = failuresOf(results)
for (const failure of failures) console.error(failure)
process.exitCode = failures.length > 0 ? 1 : 0
