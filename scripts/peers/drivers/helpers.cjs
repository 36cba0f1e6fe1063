// What the drivers share. A driver is a file of node:test that uses a package from npm. It runs as a
// copy beside the package.
'use strict'
const { execFileSync, spawn } = require('node:child_process')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const path = require('node:path')

/** Fails if fewer connections than `made` went over the sockets of this package. Without the hook, does nothing. */
function checkHook(made) {
  const { hooked } = globalThis
  if (hooked !== undefined && hooked.made < made)
    throw new Error(`the hook made ${hooked.made} connections, not ${made}`)
}

/** Returns a folder that is removed at the end. */
function scratch() {
  const folder = mkdtempSync(path.join(tmpdir(), 'peers-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Returns a port of 127.0.0.1 that no socket has. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Starts a server, and waits until it accepts connections. It is ended when this process exits. */
async function start(program, args, port) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  child.unref()
  process.once('exit', () => child.kill())
  for (;;) {
    const probe = new net.Socket().connect(port, '127.0.0.1')
    const up = await new Promise(resolve => {
      probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    probe.destroy()
    if (up) return child
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Makes a key and a certificate for `localhost` with openssl. Returns the certificate. */
function makeCertificate(key, certificate) {
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const files = ['-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, ...files], { stdio: 'ignore' })
  return readFileSync(certificate)
}

const hash = data => createHash('sha256').update(data).digest('hex')

/** Returns bytes that differ from place to place. */
function pattern(size) {
  const data = Buffer.alloc(size)
  for (let i = 0; i + 4 <= size; i += 4) data.writeUInt32LE((i * 2654435761) >>> 0, i)
  return data
}

module.exports = { checkHook, freePort, hash, makeCertificate, pattern, scratch, start }
