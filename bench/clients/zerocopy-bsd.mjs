// zerocopy-bsd.mjs ADDRESS 0 SIZE plain | zerocopy | batch: like c/zerocopy.c. "batch" passes 64 slabs in one
// call. "copied" is the number of sends that the kernel copied anyway.
import * as sockets from 'bsd-sockets'
import { absent, measureWindow, parseAddress } from '../lib/ends.mjs'

const SLAB = 256 << 20
const MOST = 64
const { AF_INET, SOCK_DGRAM, Socket, allocZeroCopy } = sockets
const [text, , sizeText, mode] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const size = Number(sizeText)
const socket = new Socket(AF_INET, SOCK_DGRAM)
await socket.connect([host, port])
if (mode !== 'plain' && typeof socket.sendZeroCopy !== 'function')
  await absent('this bsd-sockets has no sendZeroCopy')
const slab = (mode === 'plain' ? Buffer.alloc : allocZeroCopy)(SLAB).fill(1)
const pieces = Array.from({ length: Math.floor(SLAB / size) }, (_, i) =>
  slab.subarray(i * size, (i + 1) * size),
)
let bytes = 0
let [sends, copied] = [0, 0]
measureWindow(() => bytes)

async function zerocopy() {
  const waiting = new Array(MOST)
  for (let at = 0; ; at = (at + 1) % pieces.length) {
    const place = sends++ % MOST
    if (sends > MOST) {
      const result = await waiting[place]
      bytes += result.bytes
      if (result.copied) copied++
    }
    waiting[place] = socket.sendZeroCopy(pieces[at])
  }
}

async function batch() {
  const batches = []
  for (let at = 0; at + MOST <= pieces.length; at += MOST) batches.push(pieces.slice(at, at + MOST))
  for (let at = 0; ; at = (at + 1) % batches.length) {
    const result = await socket.sendZeroCopy(batches[at])
    bytes += result.bytes
    sends++
    if (result.copied) copied++
  }
}

async function plain() {
  for (let at = 0; ; at = (at + 1) % pieces.length) bytes += await socket.send(pieces[at])
}

process.on('exit', () => {
  if (copied > 0) console.error(`${copied} of ${sends} sends were copied`)
})
await { zerocopy, batch, plain }[mode]()
