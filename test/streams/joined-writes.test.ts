import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { AF_INET, options, Socket } from '../../lib'
import { missing, testIf } from '../helpers/need'
import { receive } from '../helpers/pairs'

/*
 * What a writer corks leaves in one segment of TCP, as from a net.Socket. The kernel counts the segments (Linux).
 */
async function connected(): Promise<[Socket, Socket]> {
  using listener = new Socket(AF_INET).bind(['127.0.0.1', 0]).listen()
  const client = new Socket(AF_INET)
  const [accepted] = await Promise.all([listener.accept(), client.connect(listener.getsockname())])
  return [client, accepted]
}

const segmentsFrom = (socket: Socket): number => socket.get(options.TCP_INFO).tcpi_data_segs_out!

testIf(missing.linux(), 'an http answer is one segment, with its head and body', async () => {
  const [client, accepted] = await connected()
  const server = http.createServer((_request, response) => {
    response.write('first')
    response.end('last')
  })
  const serving = accepted.toDuplex({ allowHalfOpen: false })
  server.emit('connection', serving)
  const asking = client.toDuplex({ allowHalfOpen: false })
  const headers = { connection: 'keep-alive' }
  const request = http.get({ createConnection: () => asking, headers })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  expect(String(Buffer.concat(parts))).toBe('firstlast')
  expect(segmentsFrom(accepted)).toBe(1)
  asking.destroy()
  await once(serving, 'close')
})

testIf(missing.linux(), 'the preface, SETTINGS and request of an http2 client are one segment', async () => {
  const [client, accepted] = await connected()
  const stream = client.toDuplex()
  const session = http2.connect('http://localhost', { createConnection: () => stream })
  const request = session.request({ ':path': '/' })
  const sent = await receive(accepted, 24)
  expect(sent.toString('latin1', 0, 24)).toBe('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const next = 24 + 9 + sent.readUIntBE(24, 3)
  expect([sent[24 + 3], sent[next + 3]]).toEqual([4, 1]) // the types SETTINGS and HEADERS
  expect(segmentsFrom(client)).toBe(1)
  request.on('error', () => {})
  session.destroy()
  await once(stream, 'close')
  accepted.close()
})
