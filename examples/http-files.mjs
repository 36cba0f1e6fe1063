// @ts-check
// The files of http-static.mjs: keeps them open, small ones in memory, and compares them with the disk once a second.
import { constants } from 'node:fs'
import { open, realpath, stat } from 'node:fs/promises'
import path from 'node:path'

const SMALL = 64 * 1024 // files up to this size are kept in memory
const MAX_FILES = 256
const FRESH = 1000 // ms until a file is compared with the disk again

const text = 'charset=utf-8'
/** @type {Record<string, string>} */
const types = {
  ...{ html: `text/html; ${text}`, css: `text/css; ${text}`, js: `text/javascript; ${text}` },
  ...{ mjs: `text/javascript; ${text}`, txt: `text/plain; ${text}`, md: `text/markdown; ${text}` },
  ...{ json: 'application/json', xml: 'application/xml', pdf: 'application/pdf', wasm: 'application/wasm' },
  ...{ svg: 'image/svg+xml', png: 'image/png', jpg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' },
  ...{ ico: 'image/x-icon', woff2: 'font/woff2', mp4: 'video/mp4', webm: 'video/webm' },
}
const typeOf = (/** @type {string} */ name) =>
  types[path.extname(name).slice(1).toLowerCase()] ?? 'application/octet-stream'

/** Identifies a version of a file: its ETag. */
const versionOf = (/** @type {import('node:fs').BigIntStats} */ { size, mtimeNs }) =>
  `"${size.toString(36)}-${mtimeNs.toString(36)}"`

const refusal = (/** @type {string} */ code) => Object.assign(new Error(code), { code })

/** An open file. The cache and every running response are its users, and the last of them closes it. */
export class File {
  checked = Date.now()
  /** @type {Buffer | null} The usual response for `second`: its head, and the body of a small file. */
  response = null
  second = 0
  #users = 1

  /**
   * @param {import('node:fs/promises').FileHandle | null} handle
   * @param {import('node:fs').BigIntStats} stats
   * @param {Buffer | null} body
   * @param {string} type
   */
  constructor(handle, stats, body, type) {
    this.handle = handle
    this.body = body // null if the file is large
    this.size = body?.length ?? Number(stats.size)
    this.version = versionOf(stats)
    this.modified = Math.floor(Number(stats.mtimeMs) / 1000) * 1000
    const modified = new Date(this.modified).toUTCString()
    this.fields = `Content-Type: ${type}\r\nLast-Modified: ${modified}\r\nETag: ${this.version}\r\nAccept-Ranges: bytes\r\n`
  }

  use() {
    this.#users++
    return this
  }

  release() {
    if (--this.#users === 0) this.handle?.close().catch(console.error)
  }
}

/** The open files below a folder, by path. At most MAX_FILES: the file that was not used for longest is closed. */
export class Files {
  // A Map keeps the order of insertion, and every check inserts the file again.
  /** @type {Map<string, File>} */
  #open = new Map()
  /** @type {Map<string, Promise<File>>} */
  #opening = new Map()

  /** @param {string} folder A real path. */
  constructor(folder) {
    this.folder = folder
  }

  /** Returns a file that was compared with the disk less than a second ago, or undefined. */
  fresh(/** @type {string} */ name) {
    const file = this.#open.get(name)
    return file !== undefined && Date.now() - file.checked < FRESH ? file : undefined
  }

  /** Opens a file, or compares it with the disk. Rejects with ENOENT, EISDIR and others. */
  refresh(/** @type {string} */ name) {
    let opening = this.#opening.get(name)
    if (opening === undefined) {
      opening = this.#refresh(name).finally(() => this.#opening.delete(name))
      this.#opening.set(name, opening)
    }
    return opening
  }

  async #refresh(/** @type {string} */ name) {
    const place = path.join(this.folder, name)
    // Take the file out of the cache, so that it is not closed during the check.
    const old = this.#open.get(name)
    this.#open.delete(name)
    let file
    try {
      const same = old !== undefined && versionOf(await stat(place, { bigint: true })) === old.version
      file = same ? old : await this.#read(place)
    } finally {
      if (file !== old) old?.release()
    }
    file.checked = Date.now()
    this.#open.set(name, file)
    if (this.#open.size > MAX_FILES) {
      const [first = ''] = this.#open.keys()
      this.#open.get(first)?.release()
      this.#open.delete(first)
    }
    return file
  }

  async #read(/** @type {string} */ place) {
    const real = await realpath(place) // a symbolic link may lead out of the folder
    if (!real.startsWith(this.folder === '/' ? '/' : `${this.folder}/`)) throw refusal('ENOENT')
    // Without O_NONBLOCK a FIFO would block a thread of the pool.
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    let kept = false
    try {
      const stats = await handle.stat({ bigint: true })
      if (stats.isDirectory()) throw refusal('EISDIR')
      if (!stats.isFile()) throw refusal('EACCES')
      kept = stats.size > SMALL
      return new File(kept ? handle : null, stats, kept ? null : await handle.readFile(), typeOf(real))
    } finally {
      if (!kept) await handle.close()
    }
  }
}
