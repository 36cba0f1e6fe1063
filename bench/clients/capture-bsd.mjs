// capture-bsd.mjs - SERVER_PID plain | ring: like c/capture.c, with openPacket(...).frames().
import { openPacket } from 'bsd-sockets'
import { absent, measureWindow } from '../lib/ends.mjs'

const ring = process.argv[4] === 'ring'
async function open() {
  try {
    return openPacket({ interface: 'lo', ignoreOutgoing: true, ...(ring ? { ring: true } : {}) })
  } catch (error) {
    if (error.code !== 'ENOSYS') throw error
    return absent(error.message)
  }
}
const packets = await open()
let frames = 0
measureWindow(() => frames)
for await (const { data } of packets.frames()) if (data.length > 0) frames++
