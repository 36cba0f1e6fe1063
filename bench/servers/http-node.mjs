// http-node.mjs ADDRESS FOLDER stream | memory: a static file server with Node's http. stream reads each file with
// fs.createReadStream, memory keeps it in a Buffer.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, folder, style] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const files = new Map()

function fileOf(url) {
  let file = files.get(url)
  if (file === undefined) {
    const name = path.join(folder, path.posix.normalize(url))
    file = { name, size: statSync(name).size, bytes: style === 'memory' ? readFileSync(name) : null }
    files.set(url, file)
  }
  return file
}

const server = http.createServer((request, response) => {
  const { name, size, bytes } = fileOf(request.url)
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': size })
  if (bytes !== null) response.end(bytes)
  else createReadStream(name).pipe(response)
})
server.keepAliveTimeout = 75_000 // as nginx; the runner stops the server between windows
server.listen(port, host, 512, () => announce(`tcp:${host}:${server.address().port}`))
