/*
 * `bind({ fd })` takes a descriptor over. If it fails, the caller still owns the descriptor; if it succeeds, no other
 * descriptor is forgotten.
 */
import { closeSync } from 'node:fs'
import { once } from 'node:events'
import { AF_INET6, options, Socket, SOCK_DGRAM, AF_INET } from '../../lib'
import { createSocket } from '../../lib/dgram'
import { isOpen } from '../../lib/message/rights'
import { thrown } from '../helpers/errors'

const descriptor = (family: number): number =>
  new Socket(family, SOCK_DGRAM).bind([family === AF_INET ? '127.0.0.1' : '::1', 0]).detach()

test('a socket that has a descriptor refuses another one, as node:dgram does, and both stay usable', async () => {
  const inner = new Socket(AF_INET, SOCK_DGRAM)
  const socket = inner.toDgram()
  const fd = descriptor(AF_INET)
  expect(thrown(() => socket.bind({ fd }))).toMatchObject({ code: 'EBUSY', syscall: 'open' })
  Socket.adopt(fd).close()
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  expect(inner.closed).toBe(false)
  await socket[Symbol.asyncDispose]()
  expect(inner.closed).toBe(true)
})

test('an option that cannot be set: the caller still owns the descriptor, and nothing else does', async () => {
  const socket = createSocket({ type: 'udp6', ipv6Only: true }) // impossible after bind(2)
  const configured = createSocket({ type: 'udp4', options: [[options.SO_BINDTODEVICE, 'no-such-device']] })
  for (const [each, family] of [
    [socket, AF_INET6],
    [configured, AF_INET],
  ] as const) {
    const fd = descriptor(family)
    expect(() => each.bind({ fd })).toThrow()
    expect(isOpen(fd)).toBe(true)
    Socket.adopt(fd).detach() // EBUSY if another Socket had it
    closeSync(fd)
    await each[Symbol.asyncDispose]()
  }
})
