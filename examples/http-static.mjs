// A static file server on every core: HTTP/1.1 with keep-alive, ranges, conditional requests and a graceful end.
//
//   node examples/http-static.mjs [--host 127.0.0.1] [--port 8080] [--workers n] [folder]     SIGTERM or Ctrl-C ends it
//
// A small file leaves in one send with its head, a large one by sendfile(2). After SIGTERM the server answers requests
// that have arrived, and one more on each connection that is open, then closes it.
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

function headOf(status, fields, keep) {
  tick()
  const connection = keep ? 'keep-alive' : 'close'
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${date}\r\nConnection: ${connection}\r\n${fields}\r\n`
}

/** Parses a head. Returns null if it is malformed or announces a body: no file takes one. */
function parse(head) {
  const [first, ...lines] = head.slice(0, -4).split('\r\n')
  const request = /^([A-Z]+) (?:https?:\/\/[^/\s]*)?(\/[^\s?#]*)\S* HTTP\/1\.([01])$/.exec(first)
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
  return { method: request[1], target: request[2], keep: !/\bclose\b/i.test(connection), fields }
}

/** Returns the path of a target, without its dots; null if it is malformed. */
function nameOf(target) {
  try {
    const name = target.includes('%') ? decodeURIComponent(target) : target
    return name.includes('\0') ? null : path.posix.normalize(name)
  } catch {
    return null
  }
}

/** True if the client has this version of the file already. */
function isKnown(fields, { version, modified }) {
  const tags = fields['if-none-match']
  if (tags === undefined) return Date.parse(fields['if-modified-since']) >= modified
  return tags === '*' || tags.split(',').some(tag => tag.trim().replace(/^W\//, '') === version)
}

/** Returns the first byte and the end of the wanted range: 'all', or null if the file has no such bytes. */
function rangeOf({ method, fields }, { size, version, modified }) {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(fields.range) ?? []
  const condition = fields['if-range']
  const valid = condition === undefined || condition === version || Date.parse(condition) === modified
  if (method !== 'GET' || !valid || first === undefined || first + last === '') return 'all'
  if (first === '') return last > 0 && size > 0 ? [Math.max(0, size - last), size] : null
  if (last !== '' && Number(last) < Number(first)) return 'all'
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  return first < size ? [Number(first), end] : null
}

/** Sends a response without a file. */
async function sendText(connection, status, { keep, method, more = '' } = { keep: false }) {
  const body = status === 304 ? '' : `${status} ${STATUS_CODES[status]}\n`
  const length = status === 304 ? '' : `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n`
  const head = headOf(status, more + length, keep)
  await connection.sendAll(Buffer.from(method === 'HEAD' ? head : head + body, 'latin1'))
}

/** Returns the usual response to a small file, which is the same for a second. */
function responseOf(file) {
  tick()
  if (file.second !== second) {
    const head = headOf(200, `${file.fields}Content-Length: ${file.size}\r\n`, true)
    file.response = Buffer.concat([Buffer.from(head, 'latin1'), file.body])
    file.second = second
  }
  return file.response
}

async function sendFile(connection, file, request) {
  const { method, fields, keep } = request
  if (isKnown(fields, file)) return sendText(connection, 304, { keep, more: file.fields })
  const range = rangeOf(request, file)
  if (range === null)
    return sendText(connection, 416, { keep, more: `Content-Range: bytes */${file.size}\r\n` })
  const whole = range === 'all'
  if (whole && keep && method === 'GET' && file.body !== null) return connection.sendAll(responseOf(file))
  const [begin, end] = whole ? [0, file.size] : range
  const part = whole ? '' : `Content-Range: bytes ${begin}-${end - 1}/${file.size}\r\n`
  const text = headOf(whole ? 200 : 206, `${file.fields}${part}Content-Length: ${end - begin}\r\n`, keep)
  const head = Buffer.from(text, 'latin1')
  if (method === 'HEAD') return connection.sendAll(head)
  if (file.body !== null) return connection.sendAll(Buffer.concat([head, file.body.subarray(begin, end)]))
  // With MSG_MORE the kernel keeps the head for the packet with the first bytes of the file.
  await connection.sendAll(head, MSG_MORE)
  for (let at = begin; at < end; at += PIECE)
    await connection.sendfile(file.handle, { offset: at, length: Math.min(PIECE, end - at) })
}

const statuses = { ENOENT: 404, ENOTDIR: 404, ENAMETOOLONG: 404, ELOOP: 404, EACCES: 403, ENXIO: 403 }

/** Answers one request. */
async function answer(connection, files, request) {
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
    if (error.code === 'EISDIR') return sendText(connection, 301, { ...request, more: location() })
    if (statuses[error.code] === undefined) console.error(error)
    return sendText(connection, statuses[error.code] ?? 500, request)
  }
  try {
    await sendFile(connection, file, request)
  } finally {
    file.release()
  }
}

/** Sends an error and reads for a moment: if bytes are unread, close(2) resets the connection and the error is lost. */
async function refuse(connection, status) {
  await sendText(connection, status)
  connection.shutdown(SHUT_WR)
  const signal = AbortSignal.timeout(GRACE)
  while ((await connection.recv(MAX_HEAD, { signal }).catch(() => '')).length > 0);
}

/** Reads a head. When the server ends, the client may send one more request: it may be on its way. */
async function nextHead(reader, stopping) {
  try {
    return await reader.until('\r\n\r\n', { signal: stopping })
  } catch (error) {
    if (error.name !== 'AbortError') throw error
    return reader.until('\r\n\r\n', { timeout: GRACE })
  }
}

/** Serves a connection to its end. */
async function converse(connection, files, stopping) {
  connection.timeout = SEND_TIME
  const reader = connection.reader({ max: MAX_HEAD, timeout: HEAD_TIME })
  for (let keep = true; keep;) {
    let head
    try {
      head = await nextHead(reader, stopping)
    } catch (error) {
      if (error.code === 'ERR_LIMIT_EXCEEDED') return refuse(connection, 431)
      if (error.code === 'ERR_SOCKET_TIMEOUT' && reader.buffered > 0) return refuse(connection, 408)
      if (error.code === 'ERR_SOCKET_TIMEOUT' || error.code === 'ERR_UNEXPECTED_END') return
      throw error
    }
    const request = parse(head.latin1Slice())
    if (request === null) return refuse(connection, 400)
    keep = request.keep &&= !stopping.aborted
    await answer(connection, files, request)
  }
}

/** Serves a folder on a listening socket. Returns a function that ends the server. */
async function start(listener, folder) {
  const files = new Files(await realpath(folder))
  const usual = new Set(['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ERR_SOCKET_TIMEOUT'])
  const server = serve(listener, (connection, { stopping }) => converse(connection, files, stopping), {
    maxConnections: 10_000,
    onError: error => usual.has(error.code) || console.error(error),
  })
  return () => server.close({ drain: DRAIN })
}

/** Starts threads that all accept from one socket. Returns a function that ends them. */
async function startWorkers(listener, folder, count) {
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

if (isMainThread) await main()
else {
  const stop = await start(Socket.adopt(workerData.fd), workerData.folder)
  parentPort.once('message', stop)
  parentPort.postMessage('ready')
}
