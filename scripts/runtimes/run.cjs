// Runs one test file in Bun, Deno or Node: run.cjs <file> <results>. jest itself does not start there, so this is the
// part of it that the tests use, with jest's own expect(), each() and fn(). Appends one line of JSON per test.
const { spawn, spawnSync } = require('node:child_process')
const { appendFileSync } = require('node:fs')
const path = require('node:path')

const [file, results] = process.argv.slice(2)
const root = path.join(__dirname, '..', '..')
const jest = name => require(require.resolve(name, { paths: [path.join(root, 'node_modules')] }))
const { expect } = jest('expect')
const { bind } = jest('jest-each')
const { ModuleMocker } = jest('jest-mock')

// Tests start children as process.execPath. Deno has another command line than Node.
if (process.env.BSD_SOCKETS_NODE) process.execPath = process.env.BSD_SOCKETS_NODE

const mocker = new ModuleMocker(globalThis)
let patience = 20000
let group = { names: [], children: [], before: [], after: [], beforeEach: [], afterEach: [] }
const top = group

const hook = list => body => void group[list].push(body)
const test = (name, body, timeout) =>
  void group.children.push({ name: [...group.names, name].join(' '), body, timeout })
test.skip = name => void group.children.push({ name: [...group.names, name].join(' '), skipped: true })
function describe(name, body) {
  const outer = group
  group = {
    names: [...outer.names, name],
    children: [],
    before: [],
    after: [],
    beforeEach: [],
    afterEach: [],
    outer,
  }
  outer.children.push(group)
  body()
  group = outer
}
describe.skip = (name, body) => {
  const run = test.skip
  const outer = group
  group = { ...group, names: [...group.names, name], children: group.children }
  Object.assign(globalThis, { test: run, it: run })
  body()
  Object.assign(globalThis, { test, it: test })
  group = outer
}
for (const each of [test, test.skip, describe, describe.skip]) each.each = bind(each)

Object.assign(globalThis, {
  ...{ describe, test, it: test, expect },
  ...{ beforeAll: hook('before'), afterAll: hook('after') },
  ...{ beforeEach: hook('beforeEach'), afterEach: hook('afterEach') },
  jest: {
    fn: mocker.fn.bind(mocker),
    spyOn: mocker.spyOn.bind(mocker),
    restoreAllMocks: () => mocker.restoreAllMocks(),
    setTimeout: ms => void (patience = ms),
  },
})

const tell = line => appendFileSync(results, `${JSON.stringify(line)}\n`)

/** Runs a function of a test, with a limit. A body that takes a callback is not supported. */
async function limited(body, limit = patience) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limit} ms`)), limit)
  })
  try {
    await Promise.race([(async () => body())(), late])
  } finally {
    clearTimeout(timer)
  }
}

async function one({ name, body, timeout, skipped }, around) {
  if (skipped) return tell({ name, skipped: true })
  try {
    for (const { beforeEach } of around) for (const each of beforeEach) await limited(each)
    await limited(body, timeout)
    for (const { afterEach } of [...around].reverse()) for (const each of afterEach) await limited(each)
    tell({ name, passed: true })
  } catch (error) {
    tell({ name, error: String(error?.stack ?? error) })
  }
}

async function all(current, around) {
  const inside = [...around, current]
  for (const each of current.before) await limited(each)
  for (const child of current.children) await (child.children ? all(child, inside) : one(child, inside))
  for (const each of current.after) await limited(each)
}

/**
 * Starts children and listens for a signal, so that what the runtime opens for them and keeps is open before setup.ts
 * counts descriptors. Deno opens its pipe for signals half a second after its start, unless a listener needs it before.
 */
async function warmUp() {
  const listener = () => {}
  process.on('SIGUSR2', listener)
  process.off('SIGUSR2', listener)
  spawnSync('true')
  await new Promise(resolve => spawn('true').on('close', resolve))
}

async function main() {
  try {
    await warmUp()
    require(path.join(root, 'test/helpers/setup.js'))
    require(path.resolve(root, file))
    await all(top, [])
  } catch (error) {
    tell({ name: '(the file)', error: String(error?.stack ?? error) })
  }
  tell({ finished: true })
}
void main()
