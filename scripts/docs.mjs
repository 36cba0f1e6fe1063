// npm run docs: writes the site of the pages and the reference into build/docs/, and checks that every link in it has a
// target. The site works from files: open build/docs/index.html.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { inflateSync } from 'node:zlib'
import { bin, filesBelow, node, root } from './tools.mjs'

const site = 'build/docs'

const written = await node([bin('typedoc')])
if (written.status !== 0) {
  console.log(written.output.trimEnd())
  process.exit(1)
}

const pages = new Map(
  [...filesBelow(site)]
    .filter(file => file.endsWith('.html'))
    .map(file => [file, readFileSync(path.join(root, file), 'utf8')]),
)
const ids = new Map(
  [...pages].map(([file, html]) => [
    file,
    new Set([...html.matchAll(/ (?:id|name)="([^"]*)"/g)].map(([, id]) => decoded(id))),
  ]),
)

function decoded(text) {
  const entities = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" }
  return text.replace(/&(\w+|#\w+);/g, (whole, name) => entities[name] ?? whole)
}

/** Returns true if a link of a page leads to a file of the site, and its anchor to an element of that file. */
function works(page, link) {
  const [file, anchor = ''] = link.split('#').map(decodeURIComponent)
  const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file.split('?')[0])
  if (!target.startsWith(`${site}/`) || !existsSync(path.join(root, target))) return false
  return anchor === '' || !ids.has(target) || ids.get(target).has(anchor)
}

/** Returns what the navigation or the search loads: TypeDoc writes it as compressed JSON in a script. */
function dataOf(name) {
  const script = readFileSync(path.join(root, site, 'assets', name), 'utf8')
  return inflateSync(Buffer.from(/"([A-Za-z0-9+/=]+)"/.exec(script)[1], 'base64')).toString()
}

const links = [...pages].flatMap(([page, html]) =>
  [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link]) => [page, decoded(link)]),
)
for (const [name, key] of [
  ['navigation.js', 'path'],
  ['search.js', 'url'],
]) {
  const found = [...dataOf(name).matchAll(new RegExp(`"${key}":"([^"]*)"`, 'g'))].map(([, link]) => link)
  if (found.length === 0) throw new Error(`no links are found in ${name}`)
  links.push(...found.map(link => [`${site}/index.html`, link]))
}
const inside = links.filter(([, link]) => !/^(https?|data|mailto):/.test(link))
const broken = new Set(inside.filter(([page, link]) => !works(page, link)).map(each => each.join(': ')))
for (const each of broken) console.log(each)
console.log(
  `${site}/index.html: ${pages.size} pages, ${inside.length} links, ${broken.size} without a target`,
)
process.exitCode = broken.size === 0 ? 0 : 1
