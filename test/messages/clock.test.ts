import { AF_INET, clock, hardwareTimestamps, Socket, SOCK_DGRAM } from '../../lib'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNamespace } from '../helpers/network'

test('realtimeNs is the clock of Date and of timestamps of received messages', async () => {
  const before = Date.now()
  const now = clock.realtimeNs()
  const after = Date.now()
  expect(Number(now / 1_000_000n)).toBeGreaterThanOrEqual(before)
  expect(Number(now / 1_000_000n)).toBeLessThanOrEqual(after)
  const socket = new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]).receiveMeta({ timestamp: 'ns' })
  await socket.sendto(Buffer.from('x'), socket.getsockname())
  await socket.recvmsg(10) // the first message may have no timestamp
  const sent = clock.realtimeNs()
  await socket.sendto(Buffer.from('x'), socket.getsockname())
  const { meta } = await socket.recvmsg(10)
  const received = clock.realtimeNs()
  if (process.platform === 'linux') {
    expect(meta.timestamp).toBeGreaterThanOrEqual(sent)
    expect(meta.timestamp).toBeLessThanOrEqual(received)
  }
  socket.close()
})

testIf(missing.network(), 'an interface without a clock gives the kernel’s EOPNOTSUPP', async () => {
  const space = await makeNamespace()
  try {
    const { netns } = space
    for (const options of [{ netns }, { netns, tx: true, rx: true }, { netns, tx: false }]) {
      const error = thrown(() => hardwareTimestamps('lo', options))
      expect(error).toMatchObject({ code: 'EOPNOTSUPP', syscall: 'ioctl' })
      expect(error.message).toMatch(/SIOC[GS]HWTSTAMP lo/)
    }
    expect(thrown(() => hardwareTimestamps('none0', { netns, tx: true, rx: true }))).toMatchObject({
      code: 'ENODEV',
    })
  } finally {
    await space.close()
  }
})

test('invalid arguments are refused', () => {
  const call = hardwareTimestamps as (...args: unknown[]) => unknown
  for (const args of [[7], ['lo', 7], ['lo', { tx: 1 }], ['lo', { rx: 'all' }], ['lo', { txx: true }]])
    expect(thrown(() => call(...args)).code).toBe('ERR_INVALID_ARG_TYPE')
  expect(thrown(() => hardwareTimestamps('a\0b')).code).toBe('ERR_OUT_OF_RANGE')
})
