// Preloaded into programs that use node:dgram: their sockets are those of bsd-sockets/dgram.
'use strict'
const dgram = require('node:dgram')
const { syncBuiltinESMExports } = require('node:module')
const path = require('node:path')
const { createSocket, Socket } = require(path.join(__dirname, '..', '..', 'dist', 'dgram.js'))

Object.assign(dgram, { createSocket, Socket })
syncBuiltinESMExports()
