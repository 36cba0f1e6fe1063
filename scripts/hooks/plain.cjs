// A Duplex around a net.Socket, as any program might write it: what streams.cjs compares toDuplex() with.
'use strict'
const { Duplex } = require('node:stream')

/** Passes everything on to a net.Socket. */
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

module.exports = { Plain }
