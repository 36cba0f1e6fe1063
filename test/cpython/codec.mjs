// The messages between Python and Node: 4 bytes of length and JSON. File descriptors come along with SCM_RIGHTS.
//
// What JSON lacks is an object with one field: bytes { bytes: base64 }, a file name { name: base64 }, a tuple
// { tuple: [...] }, a file descriptor { fd: its place among those that came along }. `_socket.py` has the twin.

export const bytes = data => ({ bytes: Buffer.from(data).toString('base64') })
export const name = data => ({ name: Buffer.from(data).toString('base64') })
export const tuple = (...items) => ({ tuple: items })

/**
 * Receives one message and the descriptors that came along. Resolves with null at the end of the stream, also in the middle of a message, where a signal
 * handler of Python may have thrown. Works with both flavours of Socket.
 */
export async function receive(channel) {
  const { data, fds } = await channel.recvFds(4, 253)
  const header = Buffer.concat([data, await all(channel, 4 - data.length)])
  const text = header.length < 4 ? '' : await all(channel, header.readUInt32LE())
  if (text.length === 0 || text.length < header.readUInt32LE()) return null
  const message = JSON.parse(text, (_, value) => {
    if (typeof value?.bytes === 'string') return Buffer.from(value.bytes, 'base64')
    return Number.isInteger(value?.fd) ? fds[value.fd] : value
  })
  return { message, fds }
}

async function all(channel, length) {
  const parts = []
  for (let left = length; left > 0; left -= parts.at(-1).length) {
    parts.push(await channel.recv(left))
    if (parts.at(-1).length === 0) break
  }
  return Buffer.concat(parts)
}

/** Sends one message, with the file descriptors that its { fd } refer to. */
export async function send(channel, message, fds) {
  const text = Buffer.from(JSON.stringify(message))
  const header = Buffer.alloc(4)
  header.writeUInt32LE(text.length)
  await channel.sendFds(header, fds)
  await channel.sendAll(text)
}
