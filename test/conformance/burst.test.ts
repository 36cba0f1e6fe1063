import { AF_UNIX, Socket, SOCK_DGRAM } from '../../lib'
import { failure } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { abstractName } from '../helpers/pairs'
import { FEW_TURNS, turnsIn } from '../helpers/stalls'

testIf(
  missing.linux(),
  '100,000 unconnected datagrams to a slow reader all arrive, in order',
  async () => {
    const name = abstractName()
    const reader = new Socket(AF_UNIX, SOCK_DGRAM).bind(name)
    const sender = new Socket(AF_UNIX, SOCK_DGRAM)
    const count = 100_000
    const sending = (async (): Promise<void> => {
      const message = Buffer.alloc(4)
      for (let i = 0; i < count; i++) {
        message.writeUInt32LE(i)
        await sender.sendto(message, name)
      }
    })()
    for (let i = 0; i < count; i++) {
      const got = (await reader.recv(8)).readUInt32LE()
      if (got !== i) throw new Error(`${got} in the place of ${i}`)
      if (i % 5000 === 0) await new Promise(resolve => setTimeout(resolve, 2))
    }
    await sending
    expect(reader.tryRecv(1)).toBeNull()

    // While the reader does nothing, the sender must wait without spinning.
    while (sender.trySendto(Buffer.of(1), name) !== null);
    const turns = await turnsIn(async () => {
      const error = await failure(sender.sendto(Buffer.of(2), name, { timeout: 300 }))
      expect(error.code).toBe('ERR_SOCKET_TIMEOUT')
    })
    expect(turns).toBeLessThan(FEW_TURNS)
    sender.close()
    reader.close()
  },
  30000,
)
