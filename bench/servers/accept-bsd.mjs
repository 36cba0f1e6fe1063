// accept-bsd.mjs ADDRESS close | hold: awaits each connection; closes it at once or keeps it.
import { AF_INET, AF_UNIX, SOCK_STREAM, Socket } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, style] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const listener = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
listener.bind(path ?? [host, port]).listen(4096)
process.on('SIGUSR2', () => globalThis.gc()) // before the client starts: it sends the signal
announce(path === undefined ? `tcp:${host}:${listener.getsockname().port}` : text)
const held = []
const buffer = Buffer.alloc(4096)
for (;;) {
  const socket = await listener.accept()
  if (style === 'close') socket.close()
  else held.push(socket)
  // Waits for data with one shared buffer, because the C and Node servers also watch each connection for data.
  if (style === 'wait') socket.recvInto(buffer).catch(() => {})
}
