import { closeSync, openSync } from 'node:fs'
import { native } from '../../lib/binding/binding'
import { AF_INET, SOCK_DGRAM } from '../../lib/constants'
import { Socket } from '../../lib/socket'
import { descriptors, openedSince } from '../helpers/descriptors'

/* The check of test/helpers/setup.ts, which runs after every file. */

test('a descriptor that leaks is found although an earlier one was closed', () => {
  const socket = new Socket(AF_INET, SOCK_DGRAM)
  const earlier = openSync('/dev/null', 'r')
  const before = descriptors()
  closeSync(earlier)
  const leaked = native.dupFd(socket.fd)
  expect(openedSince(before)).toEqual([expect.stringMatching(`^${leaked} `)])
  native.closeFd(leaked)
  expect(openedSince(before)).toEqual([])
  socket.close()
})

test('a socket that has the number of a closed one is new', () => {
  const first = new Socket(AF_INET, SOCK_DGRAM)
  const { fd } = first
  const before = descriptors()
  first.close()
  const second = new Socket(AF_INET, SOCK_DGRAM)
  expect(second.fd).toBe(fd)
  expect(openedSince(before)).toEqual([expect.stringMatching(`^${fd} `)])
  second.close()
})
