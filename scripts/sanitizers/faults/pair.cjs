'use strict'

/** What the programs of this folder share. argv[2]: the folder with `dist/`. */
const path = require('node:path')

const folder = process.argv[2]
const load = name => require(path.join(folder, 'dist', name))
module.exports = {
  bsd: load('index.js'),
  raw: load('raw.js'),
  /** Detaches the memory of a view, and frees it. */
  free(view) {
    structuredClone(view.buffer, { transfer: [view.buffer] })
    for (let i = 0; i < 5; i++) gc()
  },
}
