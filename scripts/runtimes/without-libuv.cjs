// Makes the package believe that this Node is another runtime, so that it does without libuv.
globalThis.Deno = {}
