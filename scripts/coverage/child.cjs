'use strict'

// Loaded into every Node that a test of `npm run coverage` starts. The Node then loads the instrumented copy of dist/,
// and writes its counts when it exits normally.
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const { threadId } = require('node:worker_threads')

const folder = process.env.BSD_SOCKETS_COVERAGE
const dist = path.join(__dirname, '../../dist')
const load = Module._extensions['.js']

Module._extensions['.js'] = function (module, file) {
  const copy = path.join(folder, 'dist', path.relative(dist, file))
  if (!file.startsWith(dist) || !existsSync(copy)) return load(module, file)
  return module._compile(readFileSync(copy, 'utf8'), file)
}

process.on('exit', () => {
  const counts = Object.entries(globalThis.__coverage__ ?? {}).map(([file, { s, b }]) => [file, { s, b }])
  if (counts.length === 0) return
  const name = `${process.pid}-${threadId}-${process.hrtime.bigint()}.json`
  writeFileSync(path.join(folder, 'children', name), JSON.stringify(Object.fromEntries(counts)))
})
