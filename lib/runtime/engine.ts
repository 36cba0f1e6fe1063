/**
 * The program that runs this JavaScript. The libuv of Bun and Deno is a stub: in Bun uv_poll_init aborts the process, in
 * Deno a poll handle reports one event only. The symbols are there, so only the name of the runtime tells.
 */
export const engine: 'Node' | 'Bun' | 'Deno' =
  process.versions.bun !== undefined ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'Node'
