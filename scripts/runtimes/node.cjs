// Stands for `node` where a test starts a child process, in a runtime with another command line: node.cjs -e SCRIPT.
const Module = require('node:module')
const path = require('node:path')
const { runInThisContext } = require('node:vm')

const at = process.argv.indexOf('-e')
if (at < 0) throw new Error('only -e is supported')
const name = path.join(process.cwd(), '[eval]')
const script = new Module(name)
script.filename = name
script.paths = Module._nodeModulePaths(process.cwd())
for (const each of ['assert', 'fs', 'net', 'os', 'path', 'util']) globalThis[each] = require(`node:${each}`)
Object.assign(globalThis, { require: Module.createRequire(name), module: script })
runInThisContext(process.argv[at + 1])
