import { AF_INET, SOCK_DGRAM } from '../../lib'
import { missing, testIf } from '../helpers/need'
import { Socket as Blocking } from '../../lib/sync'

testIf(
  missing.linux(),
  'errors() of the blocking Socket iterates over the error queue until the socket is closed',
  () => {
    const closed = new Blocking(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0])
    const address = closed.getsockname()
    closed.close()
    const socket = new Blocking(AF_INET, SOCK_DGRAM).receiveMeta({ errors: true })
    socket.sendto(Buffer.from('x'), address)
    for (const record of socket.errors({ timeout: 2000 })) {
      expect(record).toMatchObject({ origin: 'icmp', code: 'ECONNREFUSED' })
      socket.close()
    }
    expect(socket.closed).toBe(true)
  },
)
