import { runNode } from '../helpers/child'

const start = `
  const { AsyncLocalStorage, executionAsyncResource } = require('node:async_hooks')
  const { keptTick } = require('./dist/runtime/tick')
  const storage = new AsyncLocalStorage()
  const socket = new Socket(c.AF_INET, c.SOCK_DGRAM).bind(['127.0.0.1', 0])
  const listen = () => socket.onMessage(() => {}).stop()`

async function run(script: string): Promise<string> {
  const { stdout, stderr } = await runNode(start + script, {
    flags: ['--expose-gc', '--allow-natives-syntax'],
  })
  return stdout.trim() + stderr
}

// V8 forgets a hidden class that no object has, and the code that makes the next object is slow for ever.
test('the hidden class of ticks outlives a full garbage collection', async () => {
  const same = await run(`
    listen()
    setImmediate(() => {
      gc()
      process.nextTick(() => console.log(%HaveSameMap(keptTick(), executionAsyncResource())))
    })`)
  expect(same).toBe('true')
})

test.each(['{}', '() => {}'])('no store of the program is kept: %s', async store => {
  const kept = await run(`
    storage.run(${store}, listen)
    setImmediate(() => console.log(keptTick()))`)
  expect(kept).toBe('null')
})

// executionAsyncResource() makes the callbacks of programs with async hooks slower.
test('a program that does not listen for messages keeps no tick', async () => {
  const kept = await run(`
    socket.recv(1).catch(() => {})
    setImmediate(() => {
      socket.close()
      console.log(keptTick())
    })`)
  expect(kept).toBe('null')
})
