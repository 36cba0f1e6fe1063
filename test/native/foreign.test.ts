import { existsSync, openSync } from 'node:fs'
import { constants as system } from 'node:os'
import { AF_INET, AF_INET6, AF_UNIX, constants, SOCK_STREAM, Socket, SOL_SOCKET } from '../../lib'
import { native } from '../../lib/binding/binding'
import { runPython } from '../helpers/child'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { withSlot } from './slot'

/*
 * Linux: how the addon closes descriptors of other processes, and the options that it refuses or answers itself.
 */
const code = (name: string): number => -(system.errno as Record<string, number>)[name]!
const SOL = { PACKET: 263, RDS: 276 }

/** Returns a descriptor that Python makes, and Node cannot make. */
async function madeByPython(script: string): Promise<number> {
  const [a, b] = Socket.pair(AF_UNIX)
  const send = `socket.send_fds(socket.socket(fileno=3), [b'x'], [made])`
  await runPython(`import os, socket\n${script}\n${send}`, [a.fd])
  const { fds } = await b.recvFds(1, 1)
  for (const socket of [a, b]) socket.close()
  return fds[0]!.release()
}

const memory = (text: string): Promise<number> =>
  madeByPython(`made = os.memfd_create('memory'); os.write(made, b'${text}')`)

const lingering = (): number => {
  const socket = new Socket(AF_INET)
  socket.setsockopt(SOL_SOCKET, constants['SO_LINGER']!, Buffer.from(Int32Array.of(1, 5).buffer))
  return socket.detach()
}

const descriptors: [string, () => number | Promise<number>, string | null][] = [
  ['an IPv6 socket', () => native.socket(AF_INET6, SOCK_STREAM, 0), missing.socket(AF_INET6, SOCK_STREAM)],
  ['a socket that lingers', lingering, missing.linux()],
  ['memory', () => memory('x'), missing.linux() ?? missing.python()],
  ['/dev/null', () => openSync('/dev/null', 'r'), null],
  ['a terminal', () => openSync('/dev/ptmx', 'r+'), existsSync('/dev/ptmx') ? null : 'no /dev/ptmx'],
]
for (const [name, make, reason] of descriptors) {
  testIf(reason, `${name} is closed, and a second close fails with EBADF`, async () => {
    const fd = await make()
    expect(native.closeFd(fd)).toBe(0)
    expect(native.raw.fcntl(fd, constants['F_GETFD']!, 0)).toBe(code('EBADF'))
    expect(native.closeFd(fd)).toBe(code('EBADF'))
  })
}

testIf(missing.linux() ?? missing.python(), 'sendfile sends from memory of memfd_create(2)', async () => {
  const [a, b] = Socket.pair()
  const file = await memory('content')
  expect(await a.sendfile(file)).toBe(7)
  expect(String(await b.recv(100))).toBe('content')
  for (const socket of [a, b]) socket.close()
  expect(native.closeFd(file)).toBe(0)
})

testIf(
  missing.linux() ?? missing.root() ?? missing.python(),
  'SO_PEERGROUPS without room fails with ERANGE and stores the size that it needs',
  async () => {
    const fd = await madeByPython('os.setgroups([1, 2, 3]); made = socket.socketpair()[0].detach()')
    const length = Int32Array.of(0)
    const value = new Uint8Array(0)
    const result = native.raw.getsockopt(fd, SOL_SOCKET, constants['SO_PEERGROUPS']!, value, length)
    expect([result, length[0]]).toEqual([code('ERANGE'), 3 * Int32Array.BYTES_PER_ELEMENT])
    expect(native.closeFd(fd)).toBe(0)
  },
)

testIf(
  missing.linux(),
  'SO_PEERPIDFD without room for the descriptor is refused before the kernel makes one',
  () => {
    const [a, b] = Socket.pair()
    const [length, value] = [Int32Array.of(2), new Uint8Array(4)]
    expect(native.raw.getsockopt(a.fd, SOL_SOCKET, 77, value, length)).toBe(code('EPERM'))
    for (const socket of [a, b]) socket.close()
  },
)

testIf(missing.linux(), 'IP_MSFILTER without its count is left to the kernel', () =>
  withSlot((_slot, fd) => {
    const [IPPROTO_IP, IP_MSFILTER] = [0, 41]
    expect(native.raw.getsockopt(fd, IPPROTO_IP, IP_MSFILTER, new Uint8Array(4), Int32Array.of(4))).toBe(code('EINVAL'))
  }),
) // prettier-ignore

testIf(missing.linux(), 'setProgram passes PACKET_FANOUT_DATA on, and refuses its neighbours', () =>
  withSlot((slot, fd) => {
    const program = new Uint8Array(8)
    const { PACKET_FANOUT_DATA, SO_ATTACH_REUSEPORT_CBPF } = constants as Record<string, number>
    expect(native.raw.setProgram(fd, SOL.PACKET, PACKET_FANOUT_DATA!, program)).toBe(code('ENOPROTOOPT'))
    expect(native.raw.setProgram(fd, SOL.PACKET, PACKET_FANOUT_DATA! + 1, program)).toBe(code('EPERM'))
    expect(native.raw.setProgram(fd, 1000, PACKET_FANOUT_DATA!, program)).toBe(code('EPERM'))
    expect(native.setProgram(slot, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF!, program)).not.toBe(code('EPERM'))
  }),
)

testIf(
  missing.linux(),
  'a control message of AF_RDS with a cookie is sent, and one with an address is not',
  () => {
    const message = (type: number): Buffer => {
      const bytes = Buffer.alloc(24)
      bytes.writeBigUInt64LE(24n)
      bytes.writeInt32LE(SOL.RDS, 8)
      bytes.writeInt32LE(type, 12)
      return bytes
    }
    const [a, b] = Socket.pair()
    const send = (type: number): number =>
      native.raw.sendmsg(a.fd, [Buffer.from('x')], message(type), 0, null)
    const [KEY, DESTINATION, COOKIE] = [1, 2, 12] as const
    expect(send(KEY)).toBe(code('EPERM'))
    for (const type of [DESTINATION, COOKIE]) expect(send(type)).not.toBe(code('EPERM'))
    for (const socket of [a, b]) socket.close()
  },
)

test('getsockopt refuses a value of more than 2147483647 bytes', () =>
  withSlot(slot => {
    const value = new Uint8Array(2 ** 31) // the system gives the pages when they are written
    expect(thrown(() => native.getsockopt(slot, SOL_SOCKET, 3, value)).code).toBe('ERR_OUT_OF_RANGE')
  }))
