// With Node alone: a server over a Duplex drops the answer of a stream that is destroyed during a write: prints error.
// With any argument the server is over a net.Socket: prints response and error.
const http2 = require('node:http2')
const net = require('node:net')
const { Duplex } = require('node:stream')
const around = socket => (process.argv[2] ? socket : Duplex.from({ readable: socket, writable: socket }))
const server = http2.createServer((request, { stream }) => {
  stream.on('error', () => {}).respond()
  stream.destroy(new Error('after the answer'))
})
const listener = net.createServer(socket => server.emit('connection', around(socket)))
listener.listen(0, () => {
  const request = http2.connect(`http://localhost:${listener.address().port}`).request()
  for (const event of ['response', 'error']) request.on(event, () => console.log(event))
  request.on('close', () => process.exit())
})
