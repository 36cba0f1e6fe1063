// Lists words that leave the subject of a sentence unnamed, or that treat a thing as a person. Comments, test titles,
// messages and docs name the subject: the caller, the kernel, the peer, another process.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

const words = [
  ...['whoever', 'whomever', 'whatever', 'nobody', 'somebody', 'anybody', 'everybody'],
  ...["one's", 'goodbye', 'hears'],
]
const pattern = new RegExp(`\\b(${words.join('|')})\\b`, 'i')

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
const read = /\.(ts|mts|js|mjs|cjs|cc|c|h|tbl|md|yml|py|sh)$|^(\.ci\/run|\.clang-tidy)$/
const self = 'scripts/words.mjs'

const found = tracked
  .split('\n')
  .filter(file => read.test(file) && file !== self)
  .flatMap(file => {
    const lines = readFileSync(path.join(root, file), 'utf8').split('\n')
    return lines.flatMap((line, i) => {
      // The name of the system account 'nobody' is allowed, in quotes.
      const word = pattern.exec(line.replaceAll("'nobody'", ''))?.[0]
      return word === undefined ? [] : [`${file}:${i + 1}: "${word}": ${line.trim()}`]
    })
  })

for (const each of found) console.log(each)
console.log(`${found.length} lines with words that name no subject`)
process.exitCode = found.length === 0 ? 0 : 1
