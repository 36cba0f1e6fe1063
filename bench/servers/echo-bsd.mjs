// echo-bsd.mjs ADDRESS [recvInto | recv] [size]: an echo server that awaits each message.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, style = 'recvInto', size = '4096'] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)

async function echoInto(socket) {
  const buffer = Buffer.allocUnsafeSlow(Number(size))
  let message = buffer
  for (;;) {
    const length = await socket.recvInto(buffer)
    if (length === 0) break
    // A view costs a sixth of a message's whole work: kept while messages are of one length.
    if (length !== message.length) message = buffer.subarray(0, length)
    await socket.send(message)
  }
  socket.close()
}

async function echo(socket) {
  for (;;) {
    const data = await socket.recv(Number(size))
    if (data.length === 0) break
    await socket.send(data)
  }
  socket.close()
}

const serve = style === 'recv' ? echo : echoInto
const listener = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
listener.bind(path ?? [host, port]).listen(512)
announce(path === undefined ? `tcp:${host}:${listener.getsockname().port}` : text)
for (;;) {
  const socket = await listener.accept()
  if (path === undefined) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
  serve(socket).catch(() => socket.close())
}
