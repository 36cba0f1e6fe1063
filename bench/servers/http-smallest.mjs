// http-smallest.mjs ADDRESS FOLDER call | await: a static file server on the smallest addon, with all sockets behind one
// epoll, with callbacks or with promises. It sends the responses of examples/http-static.mjs, and looks at nothing of a
// request but its line and its end. It does not ask whether a file is in the page cache: a disk would stop the event loop.
import { realpath } from 'node:fs/promises'
import { AF_INET, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { Files } from '../../examples/http-files.mjs'
import { announce, parseAddress } from '../lib/ends.mjs'
import { close, gathering, gatheringCalls, send, sendFile } from '../lib/smallest.mjs'

const [text, folder, style] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const files = new Files(await realpath(folder))
const EMPTY = Buffer.alloc(0)
const [SPACE, LINE_FEED] = [0x20, 0x0a]

// The responses of this second. Then the date has changed, and each file is compared with the disk.
const responses = new Map()
setInterval(() => responses.clear(), 1000)

async function responseOf(name) {
  const { handle, body, size, fields } = (await files.refresh(name)).use()
  const date = new Date().toUTCString()
  const head = `HTTP/1.1 200 OK\r\nDate: ${date}\r\nConnection: keep-alive\r\n${fields}Content-Length: ${size}\r\n\r\n`
  const bytes = handle === null ? Buffer.concat([Buffer.from(head), body]) : Buffer.from(head)
  const response = { bytes, file: handle?.fd, size }
  responses.set(name, response)
  return response
}

/** Returns the path of a GET whose head has arrived completely. */
function nameOf(buffer, bytes) {
  const whole = buffer[bytes - 1] === LINE_FEED && buffer[bytes - 3] === LINE_FEED
  const end = buffer.indexOf(SPACE, 4)
  if (!whole || buffer[0] !== 0x47 || end < 0) throw new Error('not a request of http_client')
  return buffer.latin1Slice(4, end)
}

/** Sends the rest of a file. A send buffer is rarely full, so a timer does in place of a watcher. */
async function sendRest(fd, { file, size }, sent) {
  for (let at = sent; at >= 0 && at < size; at = sendFile(fd, EMPTY, file, at, size))
    await new Promise(resolve => setTimeout(resolve, 1))
}

function answer(fd, response) {
  const { bytes, file, size } = response
  if (file === undefined) return send(fd, bytes)
  const sent = sendFile(fd, bytes, file, 0, size)
  return sent < size ? sendRest(fd, response, sent) : sent
}

function converse(fd, join) {
  const buffer = Buffer.allocUnsafeSlow(4096)
  join(fd, buffer, bytes => {
    if (bytes <= 0) return close(fd)
    const name = nameOf(buffer, bytes)
    const response = responses.get(name)
    if (response === undefined) responseOf(name).then(made => answer(fd, made))
    else answer(fd, response)
  })
}

async function converseAwaiting(fd, from) {
  const buffer = Buffer.allocUnsafeSlow(4096)
  const receive = from(fd)
  for (let bytes; (bytes = await receive(buffer)) > 0;) {
    const name = nameOf(buffer, bytes)
    await answer(fd, responses.get(name) ?? (await responseOf(name)))
  }
  close(fd)
}

const listener = new Socket(AF_INET, SOCK_STREAM)
listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1) // accepted connections inherit it
listener.bind([host, port])
listener.listen(512)
announce(`tcp:${host}:${listener.getsockname().port}`)
const serve = style === 'call' ? converse : converseAwaiting
const how = style === 'call' ? gatheringCalls() : gathering()
for (;;) serve((await listener.accept()).detach(), how)
