// The relative links of the Markdown pages. Tests check them in the repository and in the npm package.
const path = require('node:path')

/** Returns the anchors of a page: its titles, in the form in which a link names them. */
function anchorsOf(text) {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/**
 * Returns the relative links without a target, as 'page: link'. `files` has the names of all files, with / between the
 * parts. `read` returns the text of a page. Code blocks and code in a line have no links.
 */
function brokenLinks(files, read) {
  const known = new Set(files)
  const pages = files.filter(name => name.endsWith('.md'))
  const texts = new Map(pages.map(name => [name, read(name).replace(/^```[\s\S]*?^```$/gm, '')]))
  const works = (page, link) => {
    const [file, anchor] = link.split('#')
    const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file)
    if (!known.has(target)) return false
    return anchor === undefined || !texts.has(target) || anchorsOf(texts.get(target)).includes(anchor)
  }
  return [...texts].flatMap(([page, text]) =>
    [...text.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)]+)\)/g)]
      .map(([, link]) => link)
      .filter(link => !/^[a-z]+:/.test(link) && !works(page, link))
      .map(link => `${page}: ${link}`),
  )
}

module.exports = { brokenLinks }
