// accept-smallest.mjs ADDRESS: the same as accept-bsd.mjs close on the smallest addon: several accepts in one call.
import { AF_INET, AF_UNIX, SOCK_STREAM, Socket } from 'bsd-sockets'
import { announce, parseAddress } from '../lib/ends.mjs'
import { accept, attempts, close } from '../lib/smallest.mjs'

const text = process.argv[2]
const { path, host, port } = parseAddress(text)
const listener = new Socket(path === undefined ? AF_INET : AF_UNIX, SOCK_STREAM)
listener.bind(path ?? [host, port]).listen(4096)
announce(path === undefined ? `tcp:${host}:${listener.getsockname().port}` : text)
const fd = listener.detach()
const fds = new Int32Array(64)
const wholeTurn = () => 64 // each call accepts all that wait
const next = attempts(fd, 0, () => accept(fd, fds), wholeTurn)
for (;;) {
  const count = await next()
  for (let i = 0; i < count; i++) close(fds[i])
}
