import { DIRECT } from '../../../lib/binding/memory'
import { ADDRESS_SIZE } from '../../../lib/binding/shared'
import { AF_INET, AF_INET6, AF_UNIX } from '../../../lib/constants'
import { addresses } from '../../../lib/host'
import { packAddress, reactor, unpackAddress } from '../../../lib/reactor'
import { Channel } from '../../../lib/reactor/channel'

const channel = new Channel(0, 0)

function pack(sockaddr: Uint8Array): string | number {
  const { memory } = reactor
  const start = DIRECT * ADDRESS_SIZE
  memory.addresses.fill(0xff, start) // what an earlier call left there
  memory.addresses.set(sockaddr, start)
  return packAddress(DIRECT, sockaddr.length)
}

const unpacked = (sockaddr: Uint8Array): Uint8Array | undefined =>
  unpackAddress(channel, pack(sockaddr))?.bytes

test.each([
  ['0.0.0.0', 0],
  ['127.0.0.1', 80],
  ['128.0.0.1', 32768],
  ['0.0.0.1', 65535],
  ['255.255.255.255', 65535],
])('%s:%i is packed into a number', (address, port) => {
  const sockaddr = addresses.encode({ address, port }, AF_INET)
  expect(typeof pack(sockaddr)).toBe('number')
  expect(unpacked(sockaddr)).toEqual(new Uint8Array(sockaddr))
})

test.each([
  ['IPv6', addresses.encode({ address: 'fe80::ffff', port: 65535, scopeId: 7 }, AF_INET6)],
  ['a path as long as a sockaddr_in', addresses.encode('/13-characters', AF_UNIX).subarray(0, 16)],
  ['another family in 16 bytes', addresses.encode({ family: 0xfe, data: new Uint8Array(14).fill(9) }, 0xfe)],
])('%s is packed into a string', (_name, sockaddr) => {
  expect(typeof pack(sockaddr)).toBe('string')
  expect(unpacked(sockaddr)).toEqual(new Uint8Array(sockaddr))
})

test('no address is packed into an empty string', () => {
  expect(pack(new Uint8Array(0))).toBe('')
  expect(unpacked(new Uint8Array(0))).toBeUndefined()
})
