// With Node alone: a client over a Duplex keeps a stream whose end and reset arrive in one chunk during an upload.
const http2 = require('node:http2')
const net = require('node:net')
const { Duplex } = require('node:stream')
const settings = '000000040000000000' + '000000040100000000' // and the acknowledgement of those of the client
const answer = '0000010104000000018c' + '000000000100000001' + '00000403000000000100000000' // 400, the end, the reset
const around = socket => Duplex.from({ readable: socket, writable: socket })
for (const [name, over] of Object.entries({ 'net.Socket': socket => socket, Duplex: around })) {
  const server = net.createServer(peer => {
    peer.on('error', () => {}).once('data', () => setTimeout(() => peer.write(answer, 'hex'), 100))
    peer.write(settings, 'hex')
  })
  server.listen(0, () => {
    const createConnection = () => over(net.connect(server.address().port))
    const request = http2.connect('http://localhost', { createConnection }).request({ ':method': 'POST' })
    for (const event of ['end', 'close']) request.on(event, () => console.log(`${name}: ${event}`))
    request.resume().write(Buffer.alloc(100_000))
  })
}
setTimeout(process.exit, 1000)
