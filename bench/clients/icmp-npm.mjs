// icmp-npm.mjs - 0 PACKAGE echo | flood: like c/icmp.c, with the package raw-socket.
import { createRequire } from 'node:module'
import { measureWindow } from '../lib/ends.mjs'

const [, , folder, mode] = process.argv.slice(2)
const peer = createRequire(import.meta.url)(folder)
const request = Buffer.alloc(64)
request.set([8, 0, 0, 0, 0, 1, 0, 0])
peer.writeChecksum(request, 2, peer.createChecksum(request))
const socket = peer.createSocket({ protocol: peer.Protocol.ICMP, bufferSize: 2048 })
const outstanding = mode === 'flood' ? 64 : 1
let messages = 0
let left = 0
function burst() {
  left = outstanding
  for (let i = 0; i < outstanding; i++)
    socket.send(request, 0, request.length, '127.0.0.1', error => {
      if (error) throw error
    })
}
socket.on('message', data => {
  if (data[20] !== 0) return // the package has no ICMP_FILTER, so its own requests arrive too
  messages++
  if (--left === 0) burst()
})
measureWindow(() => messages)
burst()
