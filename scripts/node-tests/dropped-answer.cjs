// With Node alone: a server over a Duplex drops what a stream has answered when the stream is destroyed at once.
const http2 = require('node:http2')
const net = require('node:net')
const { Duplex } = require('node:stream')
const around = socket => Duplex.from({ readable: socket, writable: socket })
for (const [name, over] of Object.entries({ 'net.Socket': socket => socket, Duplex: around })) {
  const server = http2.createServer((request, { stream }) => {
    stream.on('error', () => {}).respond()
    stream.destroy(new Error('after the answer'))
  })
  const listener = net.createServer(socket => server.emit('connection', over(socket))).listen(0, () => {
    const request = http2.connect(`http://localhost:${listener.address().port}`).request()
    request.on('response', () => console.log(`${name}: the answer arrives`))
    request.on('error', () => console.log(`${name}: the reset arrives`) || listener.close())
  })
}
setTimeout(process.exit, 1000)
