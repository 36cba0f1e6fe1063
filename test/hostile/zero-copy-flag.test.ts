/*
 * MSG_ZEROCOPY makes the kernel read the caller's memory after the call has returned. Only sendZeroCopy keeps that memory
 * until the kernel has finished, so no other call passes the flag on.
 */
import { AF_INET, constants, MessageBatch, Socket, SOCK_DGRAM, SOL_SOCKET } from '../../lib'
import * as raw from '../../lib/raw'
import { missing, testIf } from '../helpers/need'

const { MSG_ZEROCOPY, SO_ZEROCOPY } = constants as Record<string, number>

testIf(missing.linux(), 'MSG_ZEROCOPY in the flags of an ordinary send has no effect', async () => {
  const [a, b] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])]
  a.setsockopt(SOL_SOCKET, SO_ZEROCOPY!, 1)
  await a.connect(b.getsockname())
  const data = Buffer.alloc(20_000, 'z')
  const flags = MSG_ZEROCOPY!
  const batch = new MessageBatch({ count: 1, size: 20_000 }).set(0, data)
  const sends: (() => unknown)[] = [
    () => a.send(data, flags),
    () => a.trySend(data, flags),
    () => a.sendAll(data, flags),
    () => a.sendto(data, b.getsockname(), flags),
    () => a.sendmsg({ data }, flags),
    () => a.sendmmsg(batch, flags),
    () => raw.send(a.fd, data, flags),
    () => raw.sendmsg(a.fd, [data], null, flags),
  ]
  for (const send of sends) {
    await send()
    expect((await b.recv(30_000)).equals(data)).toBe(true)
    expect(a.tryReceiveErrors()).toBeNull() // the kernel reports each zero-copy send on the error queue
  }
  a.close()
  b.close()
})
