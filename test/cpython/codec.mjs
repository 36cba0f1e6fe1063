// The messages between Python and Node: 4 bytes of length and JSON. File descriptors come along with SCM_RIGHTS.
//
// What JSON lacks is an object with one field: bytes { bytes: base64 }, a file name { name: base64 }, a tuple
// { tuple: [...] }, a file descriptor { fd: its place among those that came along }. `_socket.py` has the twin.

export const bytes = data => ({ bytes: Buffer.from(data).toString('base64') })
export const name = data => ({ name: Buffer.from(data).toString('base64') })
export const tuple = (...items) => ({ tuple: items })

/**
 * Receives one message and the descriptors that came along. Resolves with null at the end of the stream, also in the
 * middle of a message, where a signal handler of Python may have thrown. Works with both flavours of Socket.
 */
export async function receive(channel) {
  const { data: first, fds } = await channel.recvFds(ROOM, 253)
  let data = first
  while (data.length < lengthOf(data)) {
    const more = await channel.recv(lengthOf(data) - data.length)
    if (more.length === 0) return null
    data = Buffer.concat([data, more])
  }
  const message = JSON.parse(data.subarray(4), (_, value) => {
    if (typeof value?.bytes === 'string') return Buffer.from(value.bytes, 'base64')
    return Number.isInteger(value?.fd) ? fds[value.fd] : value
  })
  return { message, fds }
}

/** Sends one message, with the file descriptors that its { fd } refer to. */
export async function send(channel, message, fds) {
  const text = Buffer.from(JSON.stringify(message))
  const header = Buffer.alloc(4)
  header.writeUInt32LE(text.length)
  const data = Buffer.concat([header, text])
  const sent = await channel.sendFds(data, fds)
  if (sent < data.length) await channel.sendAll(data.subarray(sent))
}

const ROOM = 64 * 1024 // each end waits for the other, so no part of a next message can come along
const lengthOf = data => (data.length < 4 ? 4 : 4 + data.readUInt32LE())
