import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'

test('examples/fd-pass.mjs: each new owner of the descriptor answers, and all processes exit', async () => {
  ensureBuilt()
  const ended = await run(process.execPath, ['examples/fd-pass.mjs'])
  expect(ended).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: `inherited listener: answered by a child process
sent listener: answered by a child process
connection in a worker: answered by a worker thread
`,
  })
})
