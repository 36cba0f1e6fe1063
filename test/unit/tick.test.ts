import { execFileSync } from 'node:child_process'
import { ensureDist, root } from '../helpers/child'

const prelude = `
  const { AsyncLocalStorage, executionAsyncResource } = require('node:async_hooks')
  const storage = new AsyncLocalStorage()
  const load = () => {
    require('./dist')
    return require('./dist/runtime/tick').keptTick
  }`

function run(script: string): string {
  ensureDist()
  const flags = ['--expose-gc', '--allow-natives-syntax']
  return execFileSync(process.execPath, [...flags, '-e', prelude + script], {
    cwd: root,
    encoding: 'utf8',
  }).trim()
}

// V8 forgets a hidden class that no object has, and the code that makes the next object is slow for ever.
test('the hidden class of ticks outlives a full garbage collection', () => {
  const same = run(`
    const keptTick = load()
    setImmediate(() => {
      gc()
      process.nextTick(() => console.log(%HaveSameMap(keptTick(), executionAsyncResource())))
    })`)
  expect(same).toBe('true')
})

test('no store of the program that loads the package is kept', () => {
  const kept = run(`
    const keptTick = storage.run({}, load)
    setImmediate(() => console.log(keptTick()))`)
  expect(kept).toBe('null')
})
