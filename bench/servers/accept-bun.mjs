// accept-bun.mjs ADDRESS close | hold: the same with Bun.listen.
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, style] = process.argv.slice(2)
const { path, host, port } = parseAddress(text)
const held = []
const socket = {
  open(each) {
    if (style === 'close') each.terminate()
    else held.push(each)
  },
  data() {},
}
process.on('SIGUSR2', () => Bun.gc(true))
const server = Bun.listen(path === undefined ? { hostname: host, port, socket } : { unix: path, socket })
announce(path === undefined ? `tcp:${host}:${server.port}` : text)
