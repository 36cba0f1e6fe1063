// Reads the tables beside it. README.md describes them. The build of the addon runs this file, so it needs Node only.
//
// BSD_SOCKETS_TABLES names another folder of tables, for tests.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = process.env.BSD_SOCKETS_TABLES ?? path.dirname(fileURLToPath(import.meta.url))

// The order of the tables is the order of the lists.
const constantTables = [
  'socket', 'in', 'in6', 'tcp', 'udp', 'un', 'icmp', 'packet', 'netlink', 'vsock', 'can', 'errqueue', 'xdp',
  'netdb', 'poll', 'ioctl', 'fcntl', 'misc',
] // prettier-ignore

const systems = ['linux', 'darwin']
export const guards = { linux: 'defined(__linux__)', darwin: 'defined(__APPLE__)' }

const errors = []
const fail = (file, line, message) => errors.push(`${file}:${line}: ${message}`)

function* lines(file) {
  const full = path.join(folder, file)
  if (!existsSync(full)) {
    fail(file, 1, 'no such table')
    return
  }
  let line = 0
  for (const raw of readFileSync(full, 'utf8').split('\n')) {
    line++
    const text = raw.trim()
    if (text !== '' && !/^#(?!#)/.test(text)) yield { line, text }
  }
}

// 'linux,darwin?' becomes { linux: 'always', darwin: 'perhaps' }.
function parseWhere(word, file, line) {
  const where = {}
  for (const part of word === 'all' ? systems : word.split(',')) {
    const [, os, mark] = /^([a-z]+)(\??)$/.exec(part) ?? []
    if (!systems.includes(os)) fail(file, line, `unknown system '${part}'`)
    else where[os] = mark === '' ? 'always' : 'perhaps'
  }
  return where
}

const isNumber = word => /^-?(0x[0-9a-f]+|[0-9]+)$/i.test(word)

function parseFallback(word, where, file, line) {
  const fallback = {}
  for (const part of word.split(',')) {
    const [os, number] = part.includes('=') ? part.split('=') : [undefined, part]
    if (!isNumber(number)) fail(file, line, `fallback '${word}' is not a number`)
    if (Math.abs(Number(number)) > Number.MAX_SAFE_INTEGER) fail(file, line, `'${word}' is beyond 2^53`)
    for (const each of os === undefined ? Object.keys(where) : [os]) {
      if (where[each] === undefined) fail(file, line, `fallback for '${each}', which 'where' does not name`)
      fallback[each] = number
    }
  }
  for (const os of Object.keys(where)) {
    if (fallback[os] === undefined) fail(file, line, `no fallback for ${os}`)
  }
  return fallback
}

const seen = new Map()
function claim(name, file, line) {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) fail(file, line, `'${name}' is not a name`)
  const before = seen.get(name)
  if (before !== undefined) fail(file, line, `'${name}' is already at ${before}`)
  else seen.set(name, `${file}:${line}`)
}

const autoGroup = name => /^[^_]*_?/.exec(name)[0]

// { heading } or { kind, name, fallback, where, doc, man, group }, in order.
function readConstants() {
  const items = []
  for (const table of constantTables) {
    const file = `${table}.tbl`
    let man
    let group
    for (const { line, text } of lines(file)) {
      if (text.startsWith('##')) {
        items.push({ heading: text.slice(2).trim() })
        continue
      }
      if (text.startsWith('@')) {
        const [, word, rest] = /^@(\S+)\s+(.+)$/.exec(text) ?? []
        if (word === 'man') man = rest
        else if (word === 'namespace') group = rest
        else fail(file, line, `unknown directive '${text}'`)
        continue
      }
      const words = text.split(/\s+/)
      const [kind, name] = words
      if (!['M', 'E', 'F'].includes(kind)) {
        fail(file, line, `unknown kind '${kind}'`)
        continue
      }
      const fixed = kind === 'F' ? 4 : 3
      if (words.length < fixed) {
        fail(file, line, `a row of kind ${kind} has at least ${fixed} columns`)
        continue
      }
      claim(name, file, line)
      const where = parseWhere(words[fixed - 1], file, line)
      const fallback = kind === 'F' ? parseFallback(words[2], where, file, line) : undefined
      const doc = words.slice(fixed).join(' ')
      items.push({ kind, name, fallback, where, doc, man, group: group ?? autoGroup(name) })
    }
  }
  return items
}

// { name, linux, darwin, text: { linux, darwin }, perhaps }
function readErrno() {
  const rows = []
  for (const { line, text } of lines('errno.tbl')) {
    const match = /^(E\w+)\s+(\d+|-)\s+(\d+|-)(\??)\s+(.+)$/.exec(text)
    if (match === null) {
      fail('errno.tbl', line, 'a row is: name linux darwin text')
      continue
    }
    const [, name, linux, darwin, mark, texts] = match
    claim(name, 'errno.tbl', line)
    const [first, second] = texts.split('|').map(each => each.trim())
    rows.push({
      name,
      numbers: {
        linux: linux === '-' ? undefined : Number(linux),
        darwin: darwin === '-' ? undefined : Number(darwin),
      },
      text: { linux: first, darwin: second ?? first },
      perhaps: mark === '?',
    })
  }
  return rows
}

// { name, guard, expression }, in order.
function readLayout() {
  const rows = []
  const claimed = new Map()
  // As a number: KERNEL_VERSION does not exist elsewhere, and #if reads the whole line everywhere.
  const version = word => {
    const [major, minor] = word.split('.').map(Number)
    return `LINUX_VERSION_CODE >= 0x${((major << 16) | (minor << 8)).toString(16)}`
  }
  const add = (name, conditions, oses, expression, line) => {
    for (const os of oses) {
      if (claimed.has(`${name} ${os}`))
        fail('layout.tbl', line, `'${name}' is already at ${claimed.get(`${name} ${os}`)}`)
      claimed.set(`${name} ${os}`, line)
    }
    rows.push({ name, guard: conditions.join(' && '), expression })
  }
  for (const { line, text } of lines('layout.tbl')) {
    if (text.startsWith('##')) continue
    const [kind, name, place, ...rest] = text.split(/\s+/)
    const [os, since] = (place ?? '').split('@')
    const where = Object.keys(parseWhere(os, 'layout.tbl', line))
    const base = where.length === systems.length ? [] : where.map(each => guards[each])
    if (since !== undefined) base.push(version(since))
    if (kind === 'value') {
      if (rest.length === 0) fail('layout.tbl', line, 'a value needs an expression')
      add(name, base, where, rest.join(' '), line)
      continue
    }
    if (kind !== 'struct') {
      fail('layout.tbl', line, `unknown kind '${kind}'`)
      continue
    }
    if (rest[0]?.startsWith('if=')) base.push(`defined(${rest.shift().slice(3)})`)
    add(`sizeof_${name}`, base, where, `sizeof(struct ${name})`, line)
    for (const word of rest) {
      const [, field, flexible, condition] = /^([\w.]+)(\[\])?(?:@(.+))?$/.exec(word) ?? []
      if (field === undefined) {
        fail('layout.tbl', line, `cannot read field '${word}'`)
        continue
      }
      const conditions = [...base]
      let oses = where
      if (systems.includes(condition)) {
        oses = [condition]
        if (!conditions.includes(guards[condition])) conditions.unshift(guards[condition])
      } else if (condition !== undefined) {
        if (!/^\d+\.\d+$/.test(condition)) fail('layout.tbl', line, `cannot read condition '${condition}'`)
        oses = ['linux']
        if (!conditions.includes(guards.linux)) conditions.unshift(guards.linux)
        // A field is never older than its struct.
        const struct = conditions.findIndex(each => each.startsWith('LINUX_VERSION_CODE'))
        conditions.splice(struct < 0 ? conditions.length : struct, struct < 0 ? 0 : 1, version(condition))
      }
      const key = `${name}_${field.replaceAll('.', '_')}`
      add(`offsetof_${key}`, conditions, oses, `offsetof(struct ${name}, ${field})`, line)
      if (flexible === undefined) {
        const expression = `sizeof(static_cast<struct ${name}*>(nullptr)->${field})`
        add(`sizeof_${key}`, conditions, oses, expression, line)
      }
    }
  }
  return rows
}

function errnoAsConstants(rows) {
  const items = rows.map(({ name, numbers, text, perhaps }) => {
    const where = {}
    if (numbers.linux !== undefined) where.linux = 'always'
    if (numbers.darwin !== undefined) where.darwin = perhaps ? 'perhaps' : 'always'
    const doc = where.linux === undefined ? text.darwin : text.linux
    return { kind: 'M', name, where, doc, man: 'errno(3)', group: 'E' }
  })
  return [{ heading: 'Errors' }, ...items]
}

/** Which list a constant stands in: that of its only system, or that of all. */
export function listOf({ where }) {
  const oses = Object.keys(where)
  return oses.length === 1 ? oses[0] : 'common'
}

/** Returns { constants, errno, layout }. If a table has an error, prints all errors and exits with 1. */
export function readTables() {
  const errno = readErrno()
  const constants = [...readConstants(), ...errnoAsConstants(errno)]
  const layout = readLayout()
  if (errors.length === 0) return { constants, errno, layout }
  for (const error of errors) console.error(error)
  return process.exit(1)
}
