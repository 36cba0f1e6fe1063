// With Node alone: a client over a Duplex never closes a stream whose end and reset arrive in one chunk during its
// upload: prints end. With any argument the client is over a net.Socket: prints end and close.
const http2 = require('node:http2')
const net = require('node:net')
const { Duplex } = require('node:stream')
// SETTINGS, then status 400, the end and a reset.
const frames =
  '000000040000000000' + '0000010104000000018c' + '000000000100000001' + '00000403000000000100000000'
const around = socket => (process.argv[2] ? socket : Duplex.from({ readable: socket, writable: socket }))
const answer = peer => setTimeout(() => peer.write(frames, 'hex'), 100)
const server = net.createServer(peer => peer.once('data', () => answer(peer)))
server.listen(0, () => {
  const createConnection = () => around(net.connect(server.address().port))
  const request = http2.connect('http://localhost', { createConnection }).request({ ':method': 'POST' })
  for (const event of ['end', 'close']) request.on(event, () => console.log(event))
  request.resume().write(Buffer.alloc(100_000))
})
setTimeout(() => process.exit(), 1000)
