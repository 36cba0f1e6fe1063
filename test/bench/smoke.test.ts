import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureDist, root, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

interface Results {
  questions: {
    name: string
    tables: {
      title: string
      variants: { name: string; missing: string | null }[]
      goals: { of: string; to?: string; minus?: string; limit?: string }[]
    }[]
  }[]
}

const none = missing.linux() ?? missing.program('cc', '--version') ?? missing.program('taskset', '-V')

describe('npm run bench -- --smoke', () => {
  let directory: string
  beforeAll(() => void (directory = mkdtempSync(path.join(tmpdir(), 'bsd-bench-'))))
  afterAll(() => rmSync(directory, { recursive: true }))

  testIf(
    none,
    'every question of the benchmarks produces a result',
    async () => {
      ensureDist()
      const file = path.join(directory, 'results.json')
      const bench = path.join(root, 'bench/run.mjs')
      const { code, stderr } = await run(process.execPath, [bench, '--smoke', '--to', file], {
        timeout: 290_000,
      })
      expect([code, stderr]).toEqual([0, ''])
      const { questions } = JSON.parse(readFileSync(file, 'utf8')) as Results
      expect(questions.map(({ name }) => name)).toHaveLength(15)
      const ours = questions
        .flatMap(({ tables }) => tables.flatMap(({ variants }) => variants))
        .filter(({ name }) => name.startsWith('bsd-sockets'))
      // A variant may be missing if this build lacks it or if it needs root. No variant may fail.
      expect(ours.filter(({ missing }) => missing?.startsWith('failed'))).toEqual([])
      expect(ours.filter(({ missing }) => missing === null).length).toBeGreaterThan(20)
      const unknown = questions.flatMap(({ tables }) =>
        tables.flatMap(({ title, variants, goals }) =>
          goals
            .flatMap(({ of, to = of, minus = of, limit = of }) => [of, to, minus, limit])
            .filter(name => !variants.some(each => each.name === name))
            .map(name => `${title}: ${name}`),
        ),
      )
      expect(unknown).toEqual([])
    },
    300_000,
  )
})

// The smoke run leaves most peers out, so it would not notice a program that does not parse.
testIf(missing.program('python3', '--version'), 'every Python program of the benchmarks parses', async () => {
  const files = ['lib', 'clients', 'servers'].flatMap(folder =>
    readdirSync(path.join(root, 'bench', folder))
      .filter(name => name.endsWith('.py'))
      .map(name => path.join(root, 'bench', folder, name)),
  )
  expect(files.length).toBeGreaterThan(5)
  const script = 'import ast, sys\nfor name in sys.argv[1:]: ast.parse(open(name).read(), name)'
  expect(await run('python3', ['-c', script, ...files])).toMatchObject({ code: 0, stderr: '' })
})
