// Does the addon for musl load where musl is the C library? No Node for musl is at hand, so a program of musl's own
// stands in for it: it has every function of Node-API and libuv that the addon wants, and each says that it failed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { read } from './binary.mjs'
import { must, run } from './tools.mjs'

const host = names => `#include <dlfcn.h>
#include <stdio.h>
${names.map(name => `int ${name}(void) { return 9; }`).join('\n')}
int main(int argc, char **argv) {
  void *addon = dlopen(argv[argc - 1], RTLD_NOW);
  if (addon == NULL || dlsym(addon, "napi_register_module_v1") == NULL) return puts(dlerror()), 1;
  return 0;
}
`

/** Nothing when the addon loads, or what musl's loader says; null where the compiler for musl is missing. */
export async function loadsWithMusl(file) {
  if ((await run('musl-gcc', ['--version'])).status !== 0) return null
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-musl-'))
  try {
    const [source, program] = ['host.c', 'host'].map(name => path.join(folder, name))
    const wanted = read(file).imports.map(each => each.name)
    writeFileSync(source, host(wanted.filter(name => /^(napi|node_api|uv)_/.test(name))))
    await must('the host', 'musl-gcc', ['-rdynamic', '-o', program, source])
    const { status, output } = await run(program, [file])
    return status === 0 ? '' : output.trim() || `exit code ${status}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
