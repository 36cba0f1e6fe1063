import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { root, run } from '../helpers/child'

/* The relative links of the Markdown pages, in the repository and in the npm package. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- a script that is no module
const { brokenLinks } = require('../../scripts/doc-links.cjs') as {
  brokenLinks(files: string[], read: (name: string) => string): string[]
}
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8')

/** Returns the files that git tracks, or would: what is generated or installed has no links of ours. */
function repository(): string[] {
  const other = ['node_modules', 'build', 'dist', 'prebuilds', 'coverage', '.git']
  const fragment = /^changelog\.d\/(?!README)/
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => !other.includes(entry.name))
    .flatMap(entry =>
      entry.isDirectory()
        ? readdirSync(path.join(root, entry.name), { recursive: true, encoding: 'utf8' })
            .filter(name => !name.includes('node_modules'))
            .map(name => `${entry.name}/${name}`)
        : [entry.name],
    )
    .filter(name => !fragment.test(name))
}

test('every relative link in the repository has a target', () => {
  expect(brokenLinks(repository(), read)).toEqual([])
})

test('every relative link of a changelog fragment has a target from CHANGELOG.md, where a release moves it', () => {
  const fragments = readdirSync(path.join(root, 'changelog.d')).filter(name => name !== 'README.md')
  const texts = fragments.map(name => read(`changelog.d/${name}`)).join('\n')
  const readFragments = (name: string): string => (name === 'CHANGELOG.md' ? texts : read(name))
  expect(brokenLinks(repository(), readFragments)).toEqual([])
})

async function packaged(): Promise<string[]> {
  const packed = await run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { timeout: 60_000 })
  expect(packed.code).toBe(0)
  const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }]
  return files.map(file => file.path)
}

test('npm finds nothing to run in the npm package', async () => {
  // `npm ci` knows a package from the lockfile, which has no `gypfile`. It compiles a package that has this file.
  expect(await packaged()).not.toContain('binding.gyp')
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  expect(Object.keys(scripts).filter(name => /^(pre|post)?install$/.test(name))).toEqual([])
}, 90_000)

test('every relative link of a page in the npm package has a target in the package', async () => {
  const names = await packaged()
  for (const page of ['README.md', 'SECURITY.md', 'docs/README.md', 'examples/README.md']) {
    expect(names).toContain(page)
  }
  expect(names.filter(name => !existsSync(path.join(root, name)))).toEqual([])
  expect(brokenLinks(names, read)).toEqual([])
}, 90_000)

test('a link without a target is found, and code is no link', () => {
  const pages: Record<string, string> = {
    'a.md': '# One: two\n[x](b/c.md#three-4) [y](#one-two) [z](https://example.org) `[code](none)`\n',
    'b/c.md': '## Three 4\n[up](../a.md) [no](a.md) [no](../a.md#three)\n```js\nlist[0](none)\n```\n',
  }
  expect(brokenLinks(Object.keys(pages), name => pages[name]!)).toEqual([
    'b/c.md: a.md',
    'b/c.md: ../a.md#three',
  ])
})
