import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import * as main from '../../lib'
import * as linux from '../../lib/linux'
import * as raw from '../../lib/raw'
import * as sync from '../../lib/sync'
import { root, runPython } from '../helpers/child'
import { testIf, missing } from '../helpers/need'

/*
 * docs/python-parity.md: every numbered row exists, and every name in a last column exists.
 */
type Names = Record<string, unknown>

const page = readFileSync(path.join(root, 'docs/python-parity.md'), 'utf8')
const rows = page
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| ---'))
  .map(line => line.slice(2, -2).split(' | '))
  .filter(cells => !/^(\| )?here/.test(cells.at(-1)!))

/** Expands the numbers of a cell: `S0-03…06`, `S0-14, S0-15`. */
function numbersOf(cell: string): string[] {
  return cell.split(', ').flatMap(each => {
    const match = /^(S\d-|D)(\d+)(?:…(\d+))?$/.exec(each)
    if (match === null) return []
    const [, prefix, first, last = first] = match
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${prefix}${Number(first) + i}`)
  })
}

const modules: Record<string, Names> = { sync, raw }

function exists(name: string): boolean {
  if (name.endsWith('.mjs')) {
    return ['examples', 'examples/python'].some(folder => existsSync(path.join(root, folder, name)))
  }
  const [module, inModule] = name.split(':')
  if (module !== undefined && inModule !== undefined) return inModule in modules[module]!
  const [owner = '', member] = name.split('.')
  if (member === undefined) return owner in main || owner in linux
  if (owner === 'options') return member in main.options
  if (owner === 'Symbol') return member in Symbol
  const value = (main as Names)[owner]
  if (typeof value !== 'function') return false
  return member in value || member in (value.prototype as object) || fields[owner]?.includes(member) === true
}

/** The properties that instances have in addition to their prototype. */
const fields: Record<string, string[]> = {
  Server: ['closed', 'address'],
}

test('every row of the tutorials and every defect is listed once', () => {
  const listed = rows.flatMap(cells => numbersOf(cells[0]!)).sort()
  const expected = Object.entries({ 'S0-': 63, 'S1-': 26, 'S2-': 31, 'S3-': 34, 'S4-': 26, D: 19 }).flatMap(
    ([prefix, count]) => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`),
  )
  expect(listed).toEqual(expected.sort())
})

test('no row has an empty last column', () => {
  expect(rows.filter(cells => cells.length < 2 || cells.at(-1)!.trim() === '')).toEqual([])
})

testIf(missing.linux(), 'every name in a last column exists', () => {
  const names = rows.flatMap(cells => [...cells.at(-1)!.matchAll(/`([^`]+)`/g)].map(match => match[1]!))
  expect(names.length).toBeGreaterThan(250)
  expect(names.filter(name => !exists(name))).toEqual([])
})

test('the listed instance properties exist', async () => {
  const socket = new main.Socket(main.AF_INET, main.SOCK_DGRAM).bind(['127.0.0.1', 0])
  const server = main.serve(socket, () => undefined)
  for (const field of fields['Server']!) expect(field in server).toBe(true)
  await server.close()
})

testIf(
  missing.linux() ?? missing.python(),
  'every constant of the installed Python exists in the package',
  async () => {
    const script =
      'import socket; print(*(n for n in dir(socket) if n.isupper() and isinstance(getattr(socket, n), int)))'
    const names = (await runPython(script)).trim().split(' ')
    expect(names.length).toBeGreaterThan(200)
    expect(names.filter(name => !(name in main) && !(name in linux))).toEqual([])
  },
)
