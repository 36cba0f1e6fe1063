import { AF_UNIX, Socket, SOCK_DGRAM, type AddressLike } from '../../lib'
import { missing, testIf } from '../helpers/need'
import { abstractName, turn } from '../helpers/pairs'
import { FEW_TURNS, turnsIn } from '../helpers/stalls'

const linux = missing.linux()
const MESSAGES = 100_000

/*
 * Sends to a slow reader, which reads a few datagrams and then lets the event loop turn. The kernel queues about ten
 * datagrams, so the sender waits most of the time. Each message contains its number.
 */
async function burst(send: (data: Uint8Array) => Promise<number>, receiver: Socket): Promise<number> {
  const message = Buffer.alloc(64)
  const sending = (async () => {
    for (let i = 0; i < MESSAGES; i++) {
      message.writeUInt32LE(i)
      await send(message)
    }
  })()
  let wrong = 0
  const buffer = Buffer.alloc(64)
  for (let i = 0; i < MESSAGES; i++) {
    if (i % 16 === 0) await turn()
    const length = await receiver.recvInto(buffer)
    if (length !== 64 || buffer.readUInt32LE() !== i) wrong++
  }
  await sending
  return wrong
}

for (const connected of [true, false]) {
  testIf(
    linux,
    `${connected ? 'connected' : 'unconnected'}: 100,000 datagrams to a slow reader arrive in order, without growing memory`,
    async () => {
      const address: AddressLike = abstractName()
      const receiver = new Socket(AF_UNIX, SOCK_DGRAM).bind(address)
      const sender = new Socket(AF_UNIX, SOCK_DGRAM)
      if (connected) await sender.connect(address)
      const before = process.memoryUsage().arrayBuffers
      let most = 0
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 20)
      const wrong = await burst(
        data => (connected ? sender.send(data) : sender.sendto(data, address)),
        receiver,
      )
      clearInterval(watch)
      expect(wrong).toBe(0)
      expect(receiver.tryRecv(64)).toBeNull()
      expect(most - before).toBeLessThan(32 * 1024 * 1024)
      sender.close()
      receiver.close()
    },
    60000,
  )

  testIf(
    linux,
    `${connected ? 'connected' : 'unconnected'}: a send to a reader that does not read waits without spinning`,
    async () => {
      const address: AddressLike = abstractName()
      const receiver = new Socket(AF_UNIX, SOCK_DGRAM).bind(address)
      const sender = new Socket(AF_UNIX, SOCK_DGRAM)
      if (connected) await sender.connect(address)
      const send = (): Promise<number> =>
        connected
          ? sender.send(Buffer.of(1), { timeout: 300 })
          : sender.sendto(Buffer.of(1), address, { timeout: 300 })
      while ((connected ? sender.trySend(Buffer.of(0)) : sender.trySendto(Buffer.of(0), address)) !== null);
      const refused = (): Promise<void> =>
        expect(send()).rejects.toMatchObject({ code: 'ERR_SOCKET_TIMEOUT' })
      expect(await turnsIn(refused)).toBeLessThan(FEW_TURNS)
      sender.close()
      receiver.close()
    },
  )
}
