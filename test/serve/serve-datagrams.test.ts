import { AF_INET, AF_UNIX, serve, Socket, SOCK_DGRAM, type Datagram } from '../../lib'
import { outcome } from '../helpers/errors'
import { turn, withPath } from '../helpers/pairs'
import { bytes, gate, until } from './serving'

describe('datagrams', () => {
  const udp = (): Socket => new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])

  test('the handler gets each datagram with its sender, and can reply', async () => {
    const server = serve(udp(), async (datagram: Datagram) => {
      expect(datagram.truncated).toBe(false)
      await datagram.reply(bytes(`${String(datagram.data)} from ${String(datagram.address)}`))
    })
    const clients = [udp(), udp()]
    for (const client of clients) await client.sendto(bytes('hello'), server.address)
    for (const client of clients) {
      const { data, address } = await client.recvfrom(100)
      expect(String(data)).toBe(`hello from ${String(client.localAddress)}`)
      expect(address!.equals(server.address)).toBe(true)
      client.close()
    }
    await server.close()
    expect(server.socket.closed).toBe(true)
  })

  test('the data of a datagram does not change when later datagrams arrive', async () => {
    const kept: Buffer[] = []
    const server = serve(udp(), (datagram: Datagram) => void kept.push(datagram.data))
    const client = udp()
    for (const text of ['first', 'second', '']) await client.sendto(bytes(text), server.address)
    await until(() => kept.length === 3)
    expect(kept.map(String)).toEqual(['first', 'second', ''])
    client.close()
    await server.close()
  })

  test('maxConnections limits concurrent datagram handlers, and drain waits for them', async () => {
    const { opened, open } = gate()
    const server = serve(
      udp(),
      async (datagram: Datagram) => {
        await opened
        await datagram.reply(datagram.data)
      },
      { maxConnections: 3 },
    )
    const client = udp()
    for (let i = 0; i < 5; i++) await client.sendto(bytes(String(i)), server.address)
    for (let i = 0; i < 20; i++) await turn()
    expect(server.connections).toBe(3)
    const closed = server.close({ drain: true })
    open()
    const replies = [await client.recv(10), await client.recv(10), await client.recv(10)].map(String)
    expect(replies).toEqual(['0', '1', '2'])
    await closed
    client.close()
  })

  test('errors of datagram handlers are reported, and the server continues', async () => {
    const heard: [string, unknown][] = []
    const server = serve(
      udp(),
      (datagram: Datagram) => {
        if (datagram.data.length === 1) throw new Error('one')
        return datagram.reply(datagram.data)
      },
      { onError: (error, source) => heard.push([(error as Error).message, source]) },
    )
    const client = udp()
    await client.sendto(bytes('1'), server.address)
    await client.sendto(bytes('22'), server.address)
    expect(String(await client.recv(10))).toBe('22')
    expect(heard.map(([message, source]) => [message, String((source as Datagram).data)])).toEqual([
      ['one', '1'],
    ])
    client.close()
    await server.close()
  })

  test('AF_UNIX datagrams: a reply to a named sender arrives whole, to an unnamed one it fails with EDESTADDRREQ', () =>
    withPath(async file => {
      const outcomes: string[] = []
      const lengths: number[] = []
      const server = serve(new Socket(AF_UNIX, SOCK_DGRAM).bind(file), async (datagram: Datagram) => {
        lengths.push(datagram.data.length)
        outcomes.push(await outcome(datagram.reply(bytes('reply'))))
      })
      const named = new Socket(AF_UNIX, SOCK_DGRAM).bind(`${file}c`)
      await named.sendto(Buffer.alloc(150_000), server.address)
      expect(String(await named.recv(10))).toBe('reply')
      const unnamed = new Socket(AF_UNIX, SOCK_DGRAM)
      await unnamed.sendto(bytes('x'), server.address)
      await until(() => outcomes.length === 2)
      expect(outcomes).toEqual(['fulfilled', 'EDESTADDRREQ'])
      expect(lengths).toEqual([150_000, 1])
      named.close()
      unnamed.close()
      await server.close()
    }))

  test('a handler on a connected datagram pair replies to its peer', async () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    const server = serve(a, (datagram: Datagram) => datagram.reply(datagram.data))
    await b.send(bytes('x'))
    expect(String(await b.recv(10))).toBe('x')
    b.close()
    await server.close()
  })
})
