// Builds the addon for this machine into build/Release, in a clone or in the installed package. If the running Node
// came with its headers, the build uses them and downloads nothing. Arguments go to node-gyp.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const env = { ...process.env }
const prefix = path.resolve(process.execPath, '../..')
if (env.npm_config_nodedir === undefined && existsSync(path.join(prefix, 'include/node/node_api.h'))) {
  env.npm_config_nodedir = prefix
}

// npm compiles a package that has binding.gyp, so the installed package has this file only during the build.
const project = path.join(root, 'binding.gyp')
const installed = !existsSync(project)
if (installed) writeFileSync(project, '{ "includes": ["native/addon.gypi"] }\n')

const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
const jobs = ['--jobs', 'max', '--loglevel', 'error']
const result = spawnSync(process.execPath, [gyp, 'rebuild', ...jobs, ...process.argv.slice(2)], {
  cwd: root,
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
})
if (installed) rmSync(project)
if (result.status !== 0) process.stderr.write(result.stdout ?? '')
process.exitCode = result.status ?? 1
