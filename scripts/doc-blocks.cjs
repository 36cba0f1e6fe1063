// The blocks of JavaScript in README.md and docs/. Tests run them and compile them as TypeScript.
const { readFileSync, readdirSync } = require('node:fs')
const path = require('node:path')

/** Returns each block with its page, its number on the page, the line of its first line, and its code. */
function docBlocks(root) {
  const pages = ['README.md', ...markdownIn(root, 'docs'), ...markdownIn(root, 'examples')]
  return pages.flatMap(page => {
    const text = readFileSync(path.join(root, page), 'utf8')
    return [...text.matchAll(/^```(?:m?js|ts|javascript|typescript)\n([\s\S]*?)^```$/gm)].map((match, i) => ({
      page,
      number: i + 1,
      line: text.slice(0, match.index).split('\n').length + 1,
      code: match[1],
    }))
  })
}

function markdownIn(root, folder) {
  return readdirSync(path.join(root, folder))
    .filter(name => name.endsWith('.md'))
    .sort()
    .map(name => `${folder}/${name}`)
}

module.exports = { docBlocks }
