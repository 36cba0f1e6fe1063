// zerocopy-smallest.mjs ADDRESS 0 SIZE: the same as zerocopy-bsd.mjs batch on the smallest addon.
import { AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_ZEROCOPY, Socket, allocZeroCopy } from 'bsd-sockets'
import { measureWindow, parseAddress } from '../lib/ends.mjs'
import { completions, sendZeroCopy } from '../lib/smallest.mjs'

const SLAB = 256 << 20
const MOST = 64
const [text, , sizeText] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const size = Number(sizeText)
const socket = new Socket(AF_INET, SOCK_DGRAM)
await socket.connect([host, port])
socket.setsockopt(SOL_SOCKET, SO_ZEROCOPY, 1)
const fd = socket.detach()
const slab = allocZeroCopy(SLAB).fill(1)
const most = MOST * size
const batches = Array.from({ length: Math.floor(SLAB / most) }, (_, i) =>
  slab.subarray(i * most, (i + 1) * most),
)
const turn = () => new Promise(setImmediate)
let bytes = 0
measureWindow(() => bytes)
for (let at = 0; ; at = (at + 1) % batches.length) {
  let left = sendZeroCopy(fd, batches[at], size)
  bytes += left * size
  do await turn()
  while ((left -= completions(fd)) > 0)
}
