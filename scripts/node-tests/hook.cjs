// Preloaded into Node's own tests by scripts/node-tests.mjs: connections of net.Server, net.connect, tls.connect and
// http agents go over another stream. HOOK=toDuplex: of this package. HOOK=plain: a Duplex around the net.Socket.
'use strict'
const http = require('node:http')
const net = require('node:net')
const path = require('node:path')
const { Duplex } = require('node:stream')
const tls = require('node:tls')
const plain = process.env.HOOK === 'plain'
const { AF_INET, AF_INET6, AF_UNIX, Socket } = require(path.join(__dirname, '..', '..'))
const { connect: netConnect, Server } = net
const { connect: tlsConnect } = tls

/** Passes everything on to a net.Socket, as any Duplex of a program might. */
class Plain extends Duplex {
  constructor(socket, allowHalfOpen) {
    super({ allowHalfOpen })
    this.socket = socket
    this.connecting = socket.connecting
    socket.on('connect', () => (this.connecting = false))
    for (const name of ['connect', 'ready', 'timeout']) socket.on(name, () => this.emit(name))
    socket.on('data', data => this.push(data) || socket.pause())
    socket.on('end', () => this.push(null))
    socket.on('error', error => this.destroy(error))
    socket.on('close', () => this.destroy())
  }
  _read() {
    this.socket.resume()
  }
  _write(chunk, _encoding, done) {
    this.socket.write(chunk, done)
  }
  _final(done) {
    this.socket.end(done)
  }
  _destroy(error, done) {
    this.socket.destroy()
    done(error)
  }
  setTimeout(milliseconds, listener) {
    this.socket.setTimeout(milliseconds)
    this.timeout = milliseconds
    if (listener) this[milliseconds > 0 ? 'once' : 'off']('timeout', listener)
    return this
  }
  address() {
    return this.socket.address()
  }
  destroySoon() {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }
}
for (const name of ['setKeepAlive', 'setNoDelay', 'ref', 'unref', 'resetAndDestroy']) {
  Plain.prototype[name] = function (...args) {
    this.socket[name](...args)
    return this
  }
}
const fields = ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort', 'localFamily']
for (const name of [...fields, 'bytesRead', 'bytesWritten']) {
  Object.defineProperty(Plain.prototype, name, {
    get() {
      return this.socket[name]
    },
  })
}

/** Moves an accepted connection to a stream of this package. The server still waits for its end. */
function moved(accepted) {
  const handle = accepted._handle
  const server = accepted._server
  const stream = Socket.dup(handle.fd).toDuplex({ allowHalfOpen: accepted.allowHalfOpen })
  accepted._handle = null
  accepted._server = null
  handle.onread = () => {}
  handle.close()
  stream._server = server
  stream.once('close', () => {
    if (!server) return
    server._connections--
    server._emitCloseIfDrained()
  })
  return stream
}

const { emit } = Server.prototype
Server.prototype.emit = function (name, socket, ...rest) {
  const real = name === 'connection' && socket instanceof net.Socket && socket._handle?.fd >= 0
  if (!real || socket.encrypted) return emit.call(this, name, socket, ...rest)
  const stream = plain ? new Plain(socket, socket.allowHalfOpen) : moved(socket)
  stream.server = this
  return emit.call(this, name, stream, ...rest)
}

/** True if this hook can make the connection itself: to a path, or to an IP address or localhost. */
function isSimple(options) {
  const { host, path: file, port } = options
  const others = ['lookup', 'fd', 'localAddress', 'localPort', 'onread', 'signal']
  if (others.some(name => options[name] !== undefined)) return false
  if (file) return file.startsWith('/')
  return Number(port) >= 1 && Number(port) < 65536 && (!host || host === 'localhost' || net.isIP(host) > 0)
}

function connect(...args) {
  const [options, listener] = net._normalizeArgs(args)
  if (!isSimple(options)) return netConnect(...args)
  const {
    path: file,
    port,
    family,
    allowHalfOpen = false,
    timeout,
    keepAlive,
    keepAliveInitialDelay,
  } = options
  const named = options.host && options.host !== 'localhost'
  const host = named ? options.host : family === 6 ? '::1' : '127.0.0.1'
  let stream
  if (plain) {
    stream = new Plain(netConnect(file ? { path: file, allowHalfOpen } : { ...options, host }), allowHalfOpen)
  } else {
    const socket = new Socket(file ? AF_UNIX : net.isIP(host) === 6 ? AF_INET6 : AF_INET)
    socket.connect(file || [host, Number(port)]).catch(() => {}) // the stream emits the error
    stream = socket.toDuplex({ allowHalfOpen })
  }
  if (listener) stream.once('connect', listener)
  if (timeout) stream.setTimeout(timeout)
  if (keepAlive) stream.setKeepAlive(true, keepAliveInitialDelay)
  return stream
}

net.connect = net.createConnection = http.Agent.prototype.createConnection = connect
tls.connect = (...args) => {
  const given = args.find(each => each !== null && typeof each === 'object') ?? {}
  const listener = args.find(each => typeof each === 'function')
  const options = { ...given }
  if (args[0] !== given) {
    options.port ??= args[0]
    if (typeof args[1] === 'string') options.host ??= args[1]
  }
  if (options.socket || !isSimple(options)) return tlsConnect(...args)
  const { port, host, path: file, family, allowHalfOpen } = options
  const socket = connect(file ? { path: file, allowHalfOpen } : { port, host, family, allowHalfOpen })
  return tlsConnect({ ...options, socket }, ...(listener ? [listener] : []))
}
