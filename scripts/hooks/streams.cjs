// Preloaded into programs: the connections of net.Server, net.connect, tls.connect and http agents go over another
// stream. HOOK=toDuplex or toNetSocket: of this package. HOOK=plain: a Duplex around the net.Socket. HOOK=accepted:
// such a Duplex around accepted connections alone, so each client is a net.Socket.
'use strict'
const http = require('node:http')
const { syncBuiltinESMExports } = require('node:module')
const net = require('node:net')
const path = require('node:path')
const tls = require('node:tls')
const { Plain } = require('./plain.cjs')
const dist = path.join(__dirname, '..', '..', 'dist')
const { AF_INET, AF_INET6, AF_UNIX, Socket } = require(dist)
const sync = require(path.join(dist, 'sync.js'))
const { connect: netConnect, Server } = net
const { connect: tlsConnect } = tls
const over = process.env.HOOK
const isPlain = over === 'plain' || over === 'accepted'

/** How many connections this hook has made and taken: a test can check that it is not bypassed. */
const hooked = { made: 0, taken: 0 }
Object.defineProperty(globalThis, 'hooked', { value: hooked }) // not enumerable: Node's tests look for new globals

/** How to wait for a blocking connect: only for sockets of this host, whose kernel answers at once. */
const SOON = { timeout: 1000 }

/** Moves an accepted connection to a stream of this package. The server still waits for its end. */
function moved(accepted) {
  const handle = accepted._handle
  const server = accepted._server
  const { allowHalfOpen } = accepted
  const socket = Socket.dup(handle.fd)
  accepted._handle = null
  accepted._server = null
  handle.onread = () => {}
  handle.close()
  if (over === 'toNetSocket') {
    return Object.assign(socket.toNetSocket(), { allowHalfOpen, _server: server, server })
  }
  const stream = socket.toDuplex({ allowHalfOpen })
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
  const stream = isPlain ? new Plain(socket, socket.allowHalfOpen) : moved(socket)
  stream.server = this
  hooked.taken++
  return emit.call(this, name, stream, ...rest)
}

/** True if this hook makes the connection itself: to a path, or to an IP address or localhost. */
function isSimple(options) {
  if (over === 'accepted') return false
  const { host, path: file, port } = options
  const others = ['lookup', 'fd', 'localAddress', 'localPort', 'onread', 'signal']
  if (others.some(name => (options[name] ?? null) !== null)) return false
  if (file) return typeof file === 'string' && file.startsWith('/')
  return Number(port) >= 1 && Number(port) < 65536 && (!host || host === 'localhost' || net.isIP(host) > 0)
}

/** Emits the events of a connection that was there before the stream. */
function announce(stream) {
  process.nextTick(() => {
    if (stream.destroyed) return
    stream.emit('connect')
    stream.emit('ready')
  })
}

/** Connects with each kind of stream. `target` is a path, or a host and a port. */
const connectors = {
  plain(family, target, allowHalfOpen, options) {
    const end = family === AF_UNIX ? { path: target, allowHalfOpen } : { ...options, host: target[0] }
    return new Plain(netConnect(end), allowHalfOpen)
  },
  toDuplex(family, target, allowHalfOpen) {
    const socket = new Socket(family)
    socket.connect(target).catch(() => {}) // the stream emits the error
    const stream = socket.toDuplex({ allowHalfOpen })
    if (!stream.connecting) announce(stream) // the kernel connects AF_UNIX at once
    return stream
  },
  /** Returns null if there is no connection at once: then Node connects, and reports the error. */
  toNetSocket(family, target, allowHalfOpen) {
    if (family !== AF_UNIX && !/^(127\.|::1$)/.test(target[0])) return null
    const socket = new sync.Socket(family)
    try {
      socket.connect(target, SOON)
    } catch {
      socket.close()
      return null
    }
    const stream = Object.assign(Socket.adopt(socket.detach()).toNetSocket(), { allowHalfOpen })
    announce(stream)
    return stream
  },
}

function connect(...args) {
  const [options, listener] = net._normalizeArgs(args)
  if (!isSimple(options)) return netConnect(...args)
  const { path: file, port, allowHalfOpen = false, timeout, keepAlive, noDelay } = options
  const named = options.host && options.host !== 'localhost'
  const host = named ? options.host : options.family === 6 ? '::1' : '127.0.0.1'
  const family = file ? AF_UNIX : net.isIP(host) === 6 ? AF_INET6 : AF_INET
  const stream = connectors[over](family, file || [host, Number(port)], allowHalfOpen, options)
  if (stream === null) return netConnect(...args)
  hooked.made++
  if (listener) stream.once('connect', listener)
  if (timeout) stream.setTimeout(timeout)
  if (noDelay) stream.setNoDelay(true)
  if (keepAlive) stream.setKeepAlive(true, options.keepAliveInitialDelay)
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
syncBuiltinESMExports()
