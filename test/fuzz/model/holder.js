'use strict'

/*
 * Another process that also holds the model's open sockets. Descriptor 3 is a socket to the model. Each message on
 * it is a command with descriptors.
 *
 *   share   keeps the descriptors for a while, and toggles O_NONBLOCK of all kept descriptors continuously
 *   drop    closes the kept descriptors
 *   linger  sends an unrequested descriptor through the received one: a TCP connection with SO_LINGER and a full queue
 */
const bsd = require('../../../dist/index.js')
const raw = require('../../../dist/raw.js')

const LINGER = 4 // seconds
const KEPT = 48
const control = bsd.Socket.adopt(3)
process.removeAllListeners('warning')
process.on('warning', () => {})

const kept = []
function keep(handles) {
  kept.push(...handles)
  while (kept.length > KEPT) kept.shift().close()
}

function flip() {
  for (const { fd } of kept) {
    const flags = raw.fcntl(fd, bsd.F_GETFL)
    raw.fcntl(fd, bsd.F_SETFL, flags ^ bsd.O_NONBLOCK)
  }
  setTimeout(flip, 1).unref()
}

/** Returns a connection whose last close waits, because its queue is full and its peer reads nothing. */
async function lingering() {
  const listener = new bsd.Socket(bsd.AF_INET, bsd.SOCK_STREAM).bind(['127.0.0.1', 0]).listen()
  const socket = new bsd.Socket(bsd.AF_INET, bsd.SOCK_STREAM)
  const [peer] = await Promise.all([listener.accept(), socket.connect(listener.getsockname())])
  listener.close()
  const data = Buffer.alloc(65536)
  while (socket.trySend(data) !== null) continue
  socket.setsockopt(bsd.SOL_SOCKET, bsd.SO_LINGER, Buffer.from(Int32Array.of(1, LINGER).buffer))
  setTimeout(() => peer.close(), (LINGER + 2) * 1000).unref()
  return socket
}

const orders = {
  async share(handles) {
    keep(handles)
  },
  async drop() {
    while (kept.length > 0) kept.pop().close()
  },
  async linger([handle]) {
    const peer = bsd.Socket.adopt(raw.dup(handle.fd))
    handle.close()
    const socket = await lingering()
    const data = Buffer.from('unrequested')
    // A kernel with SO_PASSRIGHTS may reject the descriptor with EPERM. The data still arrives.
    await peer.sendFds(data, [socket], { timeout: 1000 }).catch(() => peer.send(data))
    socket.close()
    peer.close()
  },
}

async function main() {
  flip()
  for (;;) {
    const { data, fds } = await control.recvFds(64, 16)
    if (data.length === 0) break
    await orders[data.toString()](fds)
    await control.send(Buffer.from('done'))
  }
  // No process.exit(), after which LeakSanitizer reports the memory of V8.
  control.close()
}

main().catch(error => {
  console.log('the holder:', error)
  process.exit(1)
})
