// Runs every case of double.cc three times: with valid arguments, with one a byte too short, and with one freed.
import path from 'node:path'
import { must, root, run } from '../tools.mjs'
import { compileChecks, wraps } from './build.mjs'

/** Returns the number of arguments, the number of reports, and the cases that failed. */
export async function runDouble(kind, folder) {
  const double = path.join(folder, 'double')
  const checks = wraps(await compileChecks(kind, folder))
  const flags = ['-std=c++17', '-g', '-O1', `-fsanitize=${kind.sanitize}`]
  const source = path.join(root, 'scripts/sanitizers/double.cc')
  await must('the double', kind.cxx, [...flags, source, ...checks, '-o', double])
  const env = { ...process.env, ...kind.env, ASAN_OPTIONS: 'detect_leaks=0:exitcode=66' }
  const cases = (await must('the double', double, [], { env })).trim().split('\n')
  const result = { cases: cases.length, reports: 0, wrong: [] }
  for (const [i, name] of cases.entries()) {
    const good = await run(double, [i], { env })
    if (good.status !== 0) result.wrong.push(`${name}, with valid arguments: ${good.status}\n${good.output}`)
    for (const how of name.endsWith(': size') ? ['short'] : ['short', 'freed']) {
      const { status, output } = await run(double, [i, how], { env })
      if (status === 66 && output.includes('ERROR: AddressSanitizer')) result.reports++
      else result.wrong.push(`${name}, ${how}: no report, ${status}\n${output}`)
    }
  }
  return result
}
