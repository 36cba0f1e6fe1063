#!/usr/bin/env node
// npx bsd-sockets doctor: what works on this machine, what is missing, why, and how to get it.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const usage = `usage: bsd-sockets doctor [--json]
       bsd-sockets --version | --help

  doctor   prints what works here, what is missing, why, and how to get it
  --json   prints the same for programs
`

function parse() {
  try {
    const options = {
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    }
    return parseArgs({ allowPositionals: true, options })
  } catch {
    return { positionals: [], values: {} }
  }
}

const { positionals, values } = parse()
if (values.help === true) {
  process.stdout.write(usage)
} else if (values.version === true) {
  const file = new URL('../package.json', import.meta.url)
  process.stdout.write(`${JSON.parse(readFileSync(file, 'utf8')).version}\n`)
} else if (positionals.length !== 1 || positionals[0] !== 'doctor') {
  process.stderr.write(usage)
  process.exitCode = 2
} else {
  try {
    const { default: doctor } = await import('../dist/capabilities/doctor.js')
    const report = doctor.examine()
    process.stdout.write(
      values.json === true ? `${JSON.stringify(report, null, 2)}\n` : doctor.render(report),
    )
  } catch (error) {
    // No binary for this machine: the message says what was looked for and how to build one.
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
