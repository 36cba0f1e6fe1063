import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { AF_INET, Socket, TCP_INFO } from '../../lib'
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

const segmentsFrom = (socket: Socket): number => socket.get(TCP_INFO!).tcpi_data_segs_out!

testIf(missing.linux(), 'an http answer is one segment, with its head and body', async () => {
  const [client, accepted] = await connected()
  const answered = new Promise<number>(resolve => {
    const server = http.createServer((_request, response) => {
      response.on('finish', () => resolve(segmentsFrom(accepted)))
      response.write('first')
      response.end('last')
    })
    server.emit('connection', accepted.toDuplex())
  })
  const request = http.get({ createConnection: () => client.toDuplex({ allowHalfOpen: false }) })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  expect(String(Buffer.concat(parts))).toBe('firstlast')
  expect(await answered).toBe(1)
  request.destroy()
})

testIf(missing.linux(), 'the preface, SETTINGS and request of an http2 client are one segment', async () => {
  const [client, accepted] = await connected()
  const session = http2.connect('http://localhost', { createConnection: () => client.toDuplex() })
  const request = session.request({ ':path': '/' })
  const preface = await receive(accepted, 24)
  expect(String(preface)).toBe('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const settings = await receive(accepted, 9)
  expect(settings[3]).toBe(4)
  await receive(accepted, settings.readUIntBE(0, 3))
  expect((await receive(accepted, 9))[3]).toBe(1)
  expect(segmentsFrom(client)).toBe(1)
  request.on('error', () => {}).destroy()
  session.destroy()
  accepted.close()
})
