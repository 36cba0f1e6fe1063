#!/usr/bin/env node
// npx bsd-sockets doctor: what works on this machine, what is missing, why, and how to get it.
import { parseArgs } from 'node:util'

const usage = `usage: bsd-sockets doctor [--json]

  doctor   prints what works here, what is missing, why, and how to get it
  --json   prints the same for programs
`

function parse() {
  try {
    const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } }
    return parseArgs({ allowPositionals: true, options })
  } catch {
    return { positionals: [], values: {} }
  }
}

const { positionals, values } = parse()
if (values.help === true) {
  process.stdout.write(usage)
} else if (positionals.length !== 1 || positionals[0] !== 'doctor') {
  process.stderr.write(usage)
  process.exitCode = 2
} else {
  try {
    const { default: doctor } = await import('../dist/doctor.js')
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
