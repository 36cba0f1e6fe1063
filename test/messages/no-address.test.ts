import { AF_INET, AF_UNIX, MessageBatch, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from '../../lib'
import { failure } from '../helpers/errors'
import { flavours } from '../helpers/flavours'

/*
 * recvfrom and recvmsg return the address null for a sender without an address. The same value is 'no address' for
 * sendto and sendmsg, which then send to the connected peer.
 */
const ping = Buffer.from('ping')

describe.each(flavours)('%s', (_, Flavour) => {
  const kinds = { SOCK_STREAM, SOCK_DGRAM, ...(process.platform === 'linux' ? { SOCK_SEQPACKET } : {}) }

  test.each(Object.entries(kinds))('%s: a received address of null is sent to again', async (_name, type) => {
    const [a, b] = Flavour.pair(AF_UNIX, type)
    await a.send(ping)
    const { data, address } = await b.recvfrom(10)
    expect(address).toBeNull()
    await b.sendto(data, address)
    expect(b.trySendto(data, address)).toBe(4)
    await b.sendmsg({ data, address })
    expect(b.trySendmsg({ data, address })).toBe(4)
    await b.sendmmsg(new MessageBatch({ count: 1, size: 4 }).set(0, data, address))
    let received = ''
    while (received.length < 20) received += String(await a.recv(4))
    expect(received).toBe('ping'.repeat(5))
    a.close()
    b.close()
  })

  test('without a peer, the kernel refuses it; undefined is no address for sendto', async () => {
    const socket = new Flavour(AF_INET, SOCK_DGRAM)
    const refused = { name: 'SocketError', code: 'EDESTADDRREQ' }
    const bySendto = await failure((async () => socket.sendto(ping, null))())
    expect(bySendto).toMatchObject({ ...refused, syscall: 'sendto' })
    expect(bySendto).toMatchObject({ message: 'sendto EDESTADDRREQ (pass an address, or connect() first)' })
    const bySendmsg = await failure((async () => socket.sendmsg({ data: ping, address: null }))())
    expect(bySendmsg).toMatchObject({ ...refused, syscall: 'sendmsg' })
    expect(await failure((async () => socket.sendto(ping, undefined as never))())).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
    })
    socket.close()
  })
})
