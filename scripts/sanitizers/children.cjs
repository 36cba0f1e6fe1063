'use strict'

// Loaded into every Node that has a sanitizer's runtime: its children get it only if they are Node, too.
delete process.env.LD_PRELOAD
process.execPath = process.env.BSD_SOCKETS_NODE
