// Reads the reports that ThreadSanitizer and valgrind wrote. Prints those about the addon and counts the others.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'

const addon = /bsd_sockets\.node|\bnative\/[\w/]+\.(?:cc|h)\b/

function* pieces(folder, prefix, pattern) {
  for (const name of readdirSync(folder).filter(each => each.startsWith(`${prefix}.`))) {
    yield* readFileSync(path.join(folder, name), 'utf8').match(pattern) ?? []
  }
}

function tell(what, counted, findings) {
  const distinct = new Map(
    findings.map(each => [each.replace(/0x[\da-f]+|pid=\d+|M\d+|T\d+|tid=\d+/g, ''), each]),
  )
  for (const text of [...distinct.values()].slice(0, 20)) console.log(`\n${text}`)
  console.log(`${what}: ${findings.length} reports of the addon, ${counted - findings.length} of Node alone`)
  return findings.length
}

/**
 * Returns the races in which the addon made one of the two accesses: the first frame of a stack outside the runtime.
 * Deeper frames prove nothing, because V8 does not maintain the tool's own stack.
 */
export function reportOfThreads(folder, prefix) {
  const findings = []
  let counted = 0
  for (const text of pieces(folder, prefix, /WARNING: ThreadSanitizer:[^]*?\nSUMMARY:.*/g)) {
    counted++
    // fd numbers: libuv and the kernel (SCM_RIGHTS, F_DUPFD) open and close them without the tool's notice.
    if (/Location is file descriptor/.test(text)) continue
    const stacks = text.split(/\n\n/).map(each => each.split('\n').filter(line => /^ {4}#\d/.test(line)))
    const actors = stacks.map(frames => frames.find(line => !line.includes('(libtsan.so'))).slice(0, 2)
    if (actors.some(line => addon.test(line ?? ''))) findings.push(text)
  }
  return tell('ThreadSanitizer', counted, findings)
}

/** Returns the errors that have the addon in one of their stacks. */
export function reportOfValgrind(folder, prefix) {
  const findings = []
  let counted = 0
  for (const text of pieces(folder, prefix, /<error>[^]*?<\/error>/g)) {
    counted++
    if (!addon.test(text)) continue
    const what = /<(?:what|text)>(.*)<\//.exec(text)?.[1] ?? ''
    const frames = [...text.matchAll(/<frame>[^]*?<\/frame>/g)].map(([frame]) => {
      const tag = name => new RegExp(`<${name}>(.*)</${name}>`).exec(frame)?.[1] ?? '?'
      return `  ${tag('fn')} ${tag('file')}:${tag('line')} ${path.basename(tag('obj'))}`
    })
    findings.push([what, ...frames].join('\n'))
  }
  return tell('valgrind', counted, findings)
}
