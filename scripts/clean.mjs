// Removes the folders that are named, below the project. tsc leaves in dist/ what it wrote before a module moved, and such
// a file would be loaded in place of the new one.
import { rmSync } from 'node:fs'
import path from 'node:path'
import { root } from './tools.mjs'

for (const folder of process.argv.slice(2)) rmSync(path.join(root, folder), { recursive: true, force: true })
