// A plugin of TypeDoc. Gives each page its title and its place in the navigation, and each module the name that programs
// import it by.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Converter, ReflectionKind } from 'typedoc'
import { root } from './tools.mjs'

/** Returns the groups of the navigation with the files of their pages. Each table of docs/README.md is a group. */
function groupsOf() {
  const index = readFileSync(path.join(root, 'docs/README.md'), 'utf8')
  const tables = [...index.matchAll(/^\| (.+) \| \|\n\| --- .*\n((?:\|.*\n)+)/gm)]
  const linked = text => [...text.matchAll(/\]\((\w[\w-]*\.md)\)/g)].map(([, page]) => `docs/${page}`)
  return {
    ...Object.fromEntries(tables.map(([, title, rows]) => [title, linked(rows)])),
    Programs: ['examples/README.md', 'examples/python/README.md'],
    'About the package': ['docs/README.md', 'SECURITY.md', 'CHANGELOG.md'],
    'How it works': ['docs/internals.md', 'native/README.md', 'native/constants/README.md'],
  }
}

const places = new Map(
  Object.entries(groupsOf())
    .flatMap(([group, files]) => files.map(file => ({ group, file })))
    .map(({ group, file }, order) => [file, { group, order }]),
)

/** Returns the content with code in titles as plain text: TypeDoc leaves code out of anchors and tables of contents. */
function withPlainTitles(content) {
  let line = ''
  return content.map(part => {
    const isTitle = part.kind === 'code' && /^#+ /.test(line)
    const text = isTitle ? part.text.replaceAll('`', '') : part.text
    line = (line + text).split('\n').at(-1)
    return isTitle ? { kind: 'text', text } : { ...part, text }
  })
}

function place(page, file, logger) {
  const known = places.get(file)
  if (known === undefined) logger.warn(`${file} has no place in scripts/typedoc-pages.mjs and docs/README.md`)
  page.content = withPlainTitles(page.content)
  const title = /^# (.*)/.exec(page.content.map(part => part.text).join(''))?.[1] ?? page.name
  page.name = title.split(':')[0]
  page.frontmatter.group = known?.group ?? 'Pages'
}

export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (context, page) => {
    place(page, `${page.name}.md`, app.logger)
  })
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const orderOf = page =>
      places.get(path.relative(root, project.files.getReflectionPath(page)))?.order ?? places.size
    for (const list of [project.documents, project.childrenIncludingDocuments]) {
      const pages = list.filter(each => each.isDocument()).sort((a, b) => orderOf(a) - orderOf(b))
      list.splice(0, list.length, ...pages, ...list.filter(each => !each.isDocument()))
    }
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      module.name = module.name === 'index' ? 'bsd-sockets' : `bsd-sockets/${module.name}`
    }
  })
}
