'use strict'

// Loaded into every Node that has a sanitizer's runtime. Only children that are Node get the runtime, too.
delete process.env.LD_PRELOAD
process.execPath = process.env.BSD_SOCKETS_NODE
