// Reads the headers of an ELF or Mach-O file, to check before publishing where an addon will load. Supports only what
// is published: 64-bit little-endian files.
import { readFileSync } from 'node:fs'

const text = (bytes, from) => bytes.toString('latin1', from, bytes.indexOf(0, from))

/**
 * Returns { format, arch, exports, imports, libraries, glibc, minos, signed }. `imports` is a list of { name, from },
 * where `from` is the symbol's version (ELF), a library or 'process' (Mach-O), or null. `glibc` is the highest version
 * that the file needs, as [major, minor], or null.
 */
export function read(file) {
  const bytes = readFileSync(file)
  if (bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2) return elf(bytes)
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return machO(bytes)
  throw new Error(`${file} is neither ELF nor Mach-O with 64 bits`)
}

const SHT = { DYNAMIC: 6, DYNSYM: 11, VERNEED: 0x6ffffffe, VERSYM: 0x6fffffff }

function elf(bytes) {
  const word = offset => Number(bytes.readBigUInt64LE(offset))
  const sections = Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, index) => {
    const at = word(0x28) + index * bytes.readUInt16LE(0x3a)
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: word(at + 24),
      size: word(at + 32),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    }
  })
  const find = type => sections.find(each => each.type === type)
  const symbols = find(SHT.DYNSYM)
  const string = offset => text(bytes, sections[symbols.link].offset + offset)

  const versions = new Map()
  const needed = find(SHT.VERNEED)
  for (let at = needed?.offset, left = needed?.info ?? 0; left > 0; left--) {
    let aux = at + bytes.readUInt32LE(at + 8)
    for (let count = bytes.readUInt16LE(at + 2); count > 0; count--) {
      versions.set(bytes.readUInt16LE(aux + 6), string(bytes.readUInt32LE(aux + 8)))
      aux += bytes.readUInt32LE(aux + 12)
    }
    at += bytes.readUInt32LE(at + 12)
  }

  const libraries = []
  const dynamic = find(SHT.DYNAMIC)
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    if (word(at) === 1) libraries.push(string(word(at + 8))) // DT_NEEDED
  }

  const [exports, imports] = [[], []]
  const versionOf = find(SHT.VERSYM)
  for (let index = 1; index < symbols.size / 24; index++) {
    const at = symbols.offset + index * 24
    const name = string(bytes.readUInt32LE(at))
    const version = versionOf === undefined ? 0 : bytes.readUInt16LE(versionOf.offset + index * 2) & 0x7fff
    if (bytes[at + 4] >> 4 === 0) continue // STB_LOCAL
    if (bytes.readUInt16LE(at + 6) !== 0) exports.push(name)
    else imports.push({ name, from: versions.get(version) ?? null })
  }
  const glibc = [...versions.values()]
    .map(version => /^GLIBC_(\d+)\.(\d+)/.exec(version))
    .filter(match => match !== null)
    .map(match => [Number(match[1]), Number(match[2])])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const arch = { 62: 'x64', 183: 'arm64' }[bytes.readUInt16LE(0x12)] ?? 'another'
  return { format: 'ELF', arch, exports, imports, libraries, glibc: glibc.at(-1) ?? null }
}

const LC = { SYMTAB: 2, LOAD_DYLIB: 0xc, CODE_SIGNATURE: 0x1d, VERSION_MIN: 0x24, BUILD_VERSION: 0x32 }

function machO(bytes) {
  const found = { format: 'Mach-O', exports: [], imports: [], libraries: [], minos: null, signed: false }
  found.arch = { 0x01000007: 'x64', 0x0100000c: 'arm64' }[bytes.readUInt32LE(4)] ?? 'another'
  const version = at => `${bytes.readUInt16LE(at + 2)}.${bytes[at + 1]}`
  let symbols = null
  for (let at = 32, left = bytes.readUInt32LE(16); left > 0; left--, at += bytes.readUInt32LE(at + 4)) {
    const command = bytes.readUInt32LE(at)
    if (command === LC.SYMTAB) symbols = at
    if (command === LC.LOAD_DYLIB) found.libraries.push(text(bytes, at + bytes.readUInt32LE(at + 8)))
    if (command === LC.CODE_SIGNATURE) found.signed = true
    if (command === LC.VERSION_MIN) found.minos = version(at + 8)
    if (command === LC.BUILD_VERSION) found.minos = version(at + 12)
  }
  const [table, count, strings] = [8, 12, 16].map(field => bytes.readUInt32LE(symbols + field))
  for (let index = 0; index < count; index++) {
    const at = table + index * 16
    const type = bytes[at + 4]
    if ((type & 0xe0) !== 0 || (type & 0x01) === 0 || (type & 0x10) !== 0) continue // debugging, local and private symbols
    const name = text(bytes, strings + bytes.readUInt32LE(at)).replace(/^_/, '')
    if ((type & 0x0e) !== 0) {
      found.exports.push(name)
      continue
    }
    const ordinal = bytes[at + 7]
    const from = ordinal === 0xfe ? 'process' : (found.libraries[ordinal - 1] ?? null)
    found.imports.push({ name, from })
  }
  return found
}

/** The exported names of the addon. The Mach-O linker adds two names of its own, which other files cannot use. */
export const entries = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
const linkers = ['_mh_dylib_header', '__dso_handle']

const known = {
  glibc: /^(libc\.so\.6|libpthread\.so\.0|libdl\.so\.2|libm\.so\.6|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc\.(musl-\w+\.)?so(\.1)?$/,
  darwin: /^\/usr\/lib\/lib(System\.B|c\+\+\.1)\.dylib$/,
}

/** Returns the reasons why the file cannot load on its target (`linux-arm64-musl`, `darwin-x64`); [] if it can load. */
export function problemsOf(file, target) {
  const [os, arch, libc] = target.split('-')
  const binary = read(file)
  const fromNode = name => /^(napi|node_api|uv)_/.test(name)
  const problems = []
  const expect = (holds, text) => {
    if (!holds) problems.push(text)
  }
  expect(binary.format === (os === 'darwin' ? 'Mach-O' : 'ELF'), `it is ${binary.format}`)
  expect(binary.arch === arch, `it is for ${binary.arch}`)
  for (const name of entries.slice(0, 1)) expect(binary.exports.includes(name), `it does not export ${name}`)
  const more = binary.exports.filter(name => !entries.includes(name) && !linkers.includes(name))
  expect(more.length === 0, `it exports ${more.join(', ')}`)
  const foreign = binary.libraries.filter(name => !known[libc ?? os].test(name))
  expect(foreign.length === 0, `it needs ${foreign.join(', ')}`)

  const [major, minor] = binary.glibc ?? [0, 0]
  if (libc === 'glibc') expect(major === 2 && minor <= 28, `it needs glibc ${major}.${minor}`)
  if (libc === 'musl') expect(major === 0, 'it needs glibc')
  if (os === 'darwin') expect(binary.minos === '11.0', `it needs macOS ${binary.minos}`)
  if (os === 'darwin' && arch === 'arm64')
    expect(binary.signed, 'it has no signature, which macOS requires on arm64')
  // musl does not version its symbols. There only the linker's check exists, see cross.mjs.
  const lost = binary.imports
    .filter(({ name, from }) => !fromNode(name) && libc !== 'musl' && (from === null || from === 'process'))
    .map(each => each.name)
  expect(lost.length === 0, `no library provides ${lost.join(', ')}`)
  return problems
}
