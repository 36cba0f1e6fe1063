// Checks that the musl addon loads on a system with musl. No Node for musl is available, so a program built for musl
// replaces it. The program defines every function of Node-API and libuv that the addon imports; each returns a failure.
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

/** Returns '' if the addon loads, or the message of musl's loader. Returns null if the musl compiler is missing. */
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
