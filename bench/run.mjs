// npm run bench [-- question ...] [--smoke] [--repetitions N] [--seconds S]
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { buildC } from './lib/build.mjs'
import { run } from './lib/runner.mjs'
import echo from './echo.mjs'
import pingpong from './pingpong.mjs'

const questions = [echo, pingpong]

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
  },
})
const names = questions.map(({ name }) => name)
const unknown = positionals.find(name => !names.includes(name))
if (unknown !== undefined) quit(`No question "${unknown}". There are: ${names.join(', ')}.`)
if (process.platform !== 'linux') quit('The bench reads /proc and pins with taskset: Linux only.')
if (spawnSync('taskset', ['-V']).status !== 0) quit('taskset (util-linux) is missing.')

const { smoke } = values
buildC()
await run(
  questions.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  {
    smoke,
    repetitions: Math.floor(number('repetitions', values.repetitions ?? (smoke ? 1 : 5), 1)),
    seconds: number('seconds', values.seconds ?? (smoke ? 0.2 : 1.5), 0.05),
    warmup: smoke ? 0.1 : 0.5,
  },
)
