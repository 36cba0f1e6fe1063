// @ts-check
// A static file server on every core: HTTP/1.1 with keep-alive, ranges, conditional requests and a graceful end.
//
//   node examples/http-static.mjs [--host 127.0.0.1] [--port 8080] [--workers n] [folder]     SIGTERM or Ctrl-C ends it
//
// A small file leaves in one send with its head, a large one by sendfile(2). After SIGTERM the server answers requests
// that have arrived, and one more on each connection that is open, then closes it: all within ten seconds.
import { realpath } from 'node:fs/promises'
import { STATUS_CODES } from 'node:http'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createServer, MSG_MORE, options, serve, SHUT_WR, Socket } from 'bsd-sockets'
import { Files } from './http-files.mjs'

const MAX_HEAD = 16 * 1024
const HEAD_TIME = 10_000 // ms until a head has arrived, with the time that the connection is idle
const SEND_TIME = 30_000 // ms for a small file, or for a piece of a large one
const PIECE = 1024 * 1024
const GRACE = 1000 // ms for one more request on an open connection, when the server ends
const DRAIN = 10_000 // ms for all responses, when the server ends

let [second, date] = [0, '']
/** Updates the value of Date, once a second. */
function tick() {
  const time = Math.floor(Date.now() / 1000)
  if (time !== second) [second, date] = [time, new Date(time * 1000).toUTCString()]
}

function headOf(/** @type {number} */ status, /** @type {string} */ fields, /** @type {boolean} */ keep) {
  tick()
  const connection = keep ? 'keep-alive' : 'close'
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${date}\r\nConnection: ${connection}\r\n${fields}\r\n`
}

/** @typedef {import('./http-files.mjs').File} File */
/** @typedef {Record<string, string | undefined>} Fields The fields of a request, with lower-case names. */
/** @typedef {{ method: string, target: string, keep: boolean, fields: Fields }} Request */

/**
 * Parses a head. Returns null if it is malformed or announces a body: no file takes one.
 * @returns {Request | null}
 */
function parse(/** @type {string} */ head) {
  const [first = '', ...lines] = head.slice(0, -4).split('\r\n')
  const request = /^([A-Z]+) (?:https?:\/\/[^/\s]*)?(\/[^\s?#]*)\S* HTTP\/1\.([01])$/.exec(first)
  /** @type {Fields} */
  const fields = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return null
    fields[name.toLowerCase()] = line.slice(colon + 1).trim()
  }
  if (request === null || (request[3] === '1' && fields.host === undefined)) return null
  if ((fields['content-length'] ?? '0') !== '0' || fields['transfer-encoding'] !== undefined) return null
  const { connection = request[3] === '1' ? 'keep-alive' : 'close' } = fields
  const [, method = '', target = ''] = request
  return { method, target, keep: !/\bclose\b/i.test(connection), fields }
}

/** Returns the path of a target, without its dots; null if it is malformed. */
function nameOf(/** @type {string} */ target) {
  try {
    const name = target.includes('%') ? decodeURIComponent(target) : target
    return name.includes('\0') ? null : path.posix.normalize(name)
  } catch {
    return null
  }
}

/** True if the client has this version of the file already. */
function isKnown(/** @type {Fields} */ fields, /** @type {File} */ { version, modified }) {
  const { 'if-none-match': tags, 'if-modified-since': since } = fields
  if (tags === undefined) return since !== undefined && Date.parse(since) >= modified
  return tags === '*' || tags.split(',').some(tag => tag.trim().replace(/^W\//, '') === version)
}

/**
 * Returns the first byte and the end of the wanted range: 'all', or null if the file has no such bytes.
 * @returns {[begin: number, end: number] | 'all' | null}
 */
function rangeOf(/** @type {Request} */ { method, fields }, /** @type {File} */ { size, version, modified }) {
  const { range, 'if-range': condition } = fields
  if (method !== 'GET' || range === undefined) return 'all'
  const [, first, last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(range) ?? []
  const valid = condition === undefined || condition === version || Date.parse(condition) === modified
  if (!valid || first === undefined || first + last === '') return 'all'
  if (first === '') return Number(last) > 0 && size > 0 ? [Math.max(0, size - Number(last)), size] : null
  if (last !== '' && Number(last) < Number(first)) return 'all'
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  return Number(first) < size ? [Number(first), end] : null
}

/** @type {{ keep: boolean, method?: string, more?: string }} */
const NO_REQUEST = { keep: false }

/** Sends a response without a file. */
async function sendText(
  /** @type {Socket} */ connection,
  /** @type {number} */ status,
  { keep, method, more = '' } = NO_REQUEST,
) {
  const body = status === 304 ? '' : `${status} ${STATUS_CODES[status]}\n`
  const length = status === 304 ? '' : `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n`
  const head = headOf(status, more + length, keep)
  await connection.sendAll(Buffer.from(method === 'HEAD' ? head : head + body, 'latin1'))
}

/** Returns the usual response to a file, which is the same for a second: the head, and the body of a small file. */
function responseOf(/** @type {File} */ file) {
  tick()
  if (file.second !== second || file.response === null) {
    const head = headOf(200, `${file.fields}Content-Length: ${file.size}\r\n`, true)
    file.response = Buffer.from(head, 'latin1')
    if (file.body !== null) file.response = Buffer.concat([file.response, file.body])
    file.second = second
  }
  return file.response
}

/** Sends a large file after its head. With MSG_MORE the kernel keeps the head for the packet with the first bytes. */
async function sendLarge(
  /** @type {Socket} */ connection,
  /** @type {Buffer} */ head,
  /** @type {NonNullable<File['handle']>} */ handle,
  /** @type {number} */ begin,
  /** @type {number} */ end,
) {
  await connection.sendAll(head, MSG_MORE)
  for (let offset = begin; offset < end; offset += PIECE) {
    const length = Math.min(PIECE, end - offset)
    // The head has told a length. If the file is shorter now, the next response would be taken for a part of this one.
    if ((await connection.sendfile(handle, { offset, length })) < length)
      throw new Error('the file became shorter')
  }
}

/** Sends the answer to a request for a file. */
function sendFile(
  /** @type {Socket} */ connection,
  /** @type {File} */ file,
  /** @type {Request} */ request,
) {
  const { method, fields, keep } = request
  const { handle, body, size } = file
  if (isKnown(fields, file)) return sendText(connection, 304, { keep, more: file.fields })
  const range = rangeOf(request, file)
  if (range === null) return sendText(connection, 416, { keep, more: `Content-Range: bytes */${size}\r\n` })
  const whole = range === 'all'
  if (whole && keep && method === 'GET') {
    const response = responseOf(file)
    return handle === null ? connection.sendAll(response) : sendLarge(connection, response, handle, 0, size)
  }
  const [begin, end] = whole ? [0, size] : range
  const part = whole ? '' : `Content-Range: bytes ${begin}-${end - 1}/${size}\r\n`
  const text = headOf(whole ? 200 : 206, `${file.fields}${part}Content-Length: ${end - begin}\r\n`, keep)
  const head = Buffer.from(text, 'latin1')
  if (method === 'HEAD') return connection.sendAll(head)
  if (handle !== null) return sendLarge(connection, head, handle, begin, end)
  return connection.sendAll(body === null ? head : Buffer.concat([head, body.subarray(begin, end)]))
}

/** @type {Record<string, number | undefined>} */
const statuses = { ENOENT: 404, ENOTDIR: 404, ENAMETOOLONG: 404, ELOOP: 404, EACCES: 403, ENXIO: 403 }

/** Answers one request. */
async function answer(
  /** @type {Socket} */ connection,
  /** @type {Files} */ files,
  /** @type {Request} */ request,
) {
  const name = nameOf(request.target)
  if (name === null) return sendText(connection, 400, request)
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendText(connection, 405, { ...request, more: 'Allow: GET, HEAD\r\n' })
  const wanted = name.endsWith('/') ? `${name}index.html` : name
  let file
  try {
    file = (files.fresh(wanted) ?? (await files.refresh(wanted))).use()
  } catch (error) {
    const location = () => `Location: ${name.split('/').map(encodeURIComponent).join('/')}/\r\n`
    const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'EISDIR') return sendText(connection, 301, { ...request, more: location() })
    if (statuses[code] === undefined) console.error(error)
    return sendText(connection, statuses[code] ?? 500, request)
  }
  try {
    await sendFile(connection, file, request)
  } finally {
    file.release()
  }
}

/** Sends an error and reads for a moment: if bytes are unread, close(2) resets the connection and the error is lost. */
async function refuse(/** @type {Socket} */ connection, /** @type {number} */ status) {
  await sendText(connection, status)
  connection.shutdown(SHUT_WR)
  const signal = AbortSignal.timeout(GRACE)
  while ((await connection.recv(MAX_HEAD, { signal }).catch(() => '')).length > 0);
}

/** Serves a connection to its end. */
async function converse(
  /** @type {Socket} */ connection,
  /** @type {Files} */ files,
  /** @type {AbortSignal} */ stopping,
) {
  connection.timeout = SEND_TIME
  let reader = connection.reader({ max: MAX_HEAD, timeout: HEAD_TIME, signal: stopping })
  for (let keep = true; keep;) {
    let head
    try {
      head = await reader.until('\r\n\r\n')
    } catch (error) {
      const { code, name } = /** @type {NodeJS.ErrnoException} */ (error)
      if (name === 'AbortError') {
        // The server ends. The client may send one more request: it may be on its way.
        reader = connection.reader({ max: MAX_HEAD, timeout: GRACE })
        continue
      }
      if (code === 'ERR_LIMIT_EXCEEDED') return refuse(connection, 431)
      if (code === 'ERR_SOCKET_TIMEOUT' && reader.buffered > 0) return refuse(connection, 408)
      if (code === 'ERR_SOCKET_TIMEOUT' || code === 'ERR_UNEXPECTED_END') return
      throw error
    }
    const request = parse(head.toString('latin1'))
    if (request === null) return refuse(connection, 400)
    keep = request.keep &&= !stopping.aborted
    await answer(connection, files, request)
  }
}

/** Serves a folder on a listening socket. Returns a function that ends the server. */
async function start(/** @type {Socket} */ listener, /** @type {string} */ folder) {
  const files = new Files(await realpath(folder))
  const usual = new Set(['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ERR_SOCKET_TIMEOUT'])
  const server = serve(listener, (connection, { stopping }) => converse(connection, files, stopping), {
    maxConnections: 10_000,
    onError: (/** @type {any} */ error) => usual.has(error.code) || console.error(error),
  })
  return () => server.close({ drain: DRAIN })
}

/** Starts threads that all accept from one socket. Returns a function that ends them. */
async function startWorkers(
  /** @type {Socket} */ listener,
  /** @type {string} */ folder,
  /** @type {number} */ count,
) {
  const threads = Array.from({ length: count }, () => {
    const fd = listener.dup().detach() // each worker closes its own duplicate
    return new Worker(new URL(import.meta.url), { workerData: { fd, folder } })
  })
  await Promise.all(threads.map(thread => new Promise(resolve => thread.once('message', resolve))))
  listener.close()
  return () => threads.forEach(thread => thread.postMessage('stop'))
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8080' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  })
  const [folder = '.'] = positionals
  await realpath(folder) // fails here if there is no such folder, and not in a worker
  const listener = await createServer({
    host: values.host,
    port: Number(values.port),
    backlog: 4096,
    options: [[options.TCP_NODELAY, true]], // accepted connections inherit it
  })
  const address = listener.getsockname()
  const count = Number(values.workers)
  const stop = await (count === 1 ? start(listener, folder) : startWorkers(listener, folder, count))
  console.log(`${folder} on http://${address}/`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
}

if (isMainThread)
  await main().catch((/** @type {Error} */ error) => {
    console.error(error.message)
    process.exitCode = 1
  })
else {
  const stop = await start(Socket.adopt(workerData.fd), workerData.folder)
  parentPort?.once('message', stop)
  parentPort?.postMessage('ready')
}
