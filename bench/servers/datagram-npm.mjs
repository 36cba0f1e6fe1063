// datagram-npm.mjs ADDRESS PACKAGE: the same with the packages unix-dgram and node-unix-socket.
import { createRequire } from 'node:module'
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, folder] = process.argv.slice(2)
const peer = createRequire(import.meta.url)(folder)
let messages = 0
const socket =
  peer.DgramSocket === undefined ? peer.createSocket('unix_dgram', () => messages++) : new peer.DgramSocket()
if (peer.DgramSocket !== undefined) socket.on('data', () => messages++)
socket.bind(parseAddress(text).path)
announce(text)
