// echo-bsd.mjs ADDRESS [recvInto | recv] [size] [microseconds of busy polling]: awaits each message.
import { AF_INET, AF_UNIX, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, Socket, TCP_NODELAY } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, style = 'recvInto', size = '4096', busy = '0'] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)

async function echoInto(socket) {
  const buffer = Buffer.allocUnsafeSlow(Number(size))
  let message = buffer
  for (;;) {
    const length = await socket.recvInto(buffer)
    if (length === 0) break
    // Creating a view costs a sixth of the time per message, so the view is reused while the length stays the same.
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

async function answer(socket) {
  const buffer = Buffer.allocUnsafeSlow(Number(size))
  for (;;) {
    const { bytes, address } = await socket.recvfromInto(buffer)
    await socket.sendto(buffer.subarray(0, bytes), address)
  }
}

async function serve(listener) {
  const handle = style === 'recv' ? echo : echoInto
  for (;;) {
    const socket = await listener.accept()
    if (path === undefined) socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    if (busy !== '0') socket.busyPoll(Number(busy))
    handle(socket).catch(() => socket.close())
  }
}

const datagrams = text.startsWith('udp')
const socket = new Socket(path === undefined ? AF_INET : AF_UNIX, datagrams ? SOCK_DGRAM : SOCK_STREAM)
socket.bind(path ?? [host, port])
if (!datagrams) socket.listen(512)
announce(path === undefined ? `${text.slice(0, 3)}:${host}:${socket.getsockname().port}` : text)
await (datagrams ? answer : serve)(socket)
