import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection, createServer, Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { STATE_FLAGS, STOPPED, UNCACHED_STOP } from '../../lib/binding/shared'
import { EAGAIN } from '../../lib/errors/errno'
import { reactor } from '../../lib/reactor'
import { runNode, runNodeAsNobody } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

/*
 * sendfile sends a file in parts. Their size depends on how fast the last one was, and on what is in the page cache.
 */
const MIB = 1024 * 1024
const SIZE = 37 * MIB + 123

const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-'))
const name = join(folder, 'file')
const words = new Uint32Array(SIZE / 4 + 1)
for (let i = 0; i < words.length; i++) words[i] = i * 2654435761 // each page differs
const content = Buffer.from(words.buffer).subarray(0, SIZE)

beforeAll(() => {
  chmodSync(folder, 0o755)
  writeFileSync(name, content, { mode: 0o644 })
  const file = openSync(name, 'r+')
  fsyncSync(file) // the kernel drops only clean pages
  closeSync(file)
})
afterAll(() => rmSync(folder, { recursive: true }))

const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

/** Takes blocks out of the page cache, if the file system has another place for them. */
function drop(first: number, count: number, size = '1M'): void {
  const args = [
    `if=${name}`,
    'of=/dev/null',
    'iflag=nocache',
    `bs=${size}`,
    `skip=${first}`,
    `count=${count}`,
  ]
  expect(spawnSync('dd', args).status).toBe(0)
}

/** Sends a range with sendfile over TCP, and returns what it resolved with and the digest of what arrived. */
async function transfer(offset: number, length: number): Promise<[number, string]> {
  await using listener = await createServer({ host: '127.0.0.1' })
  const [receiver, sender] = await Promise.all([createConnection(listener.getsockname()), listener.accept()])
  const file = openSync(name, 'r')
  const hash = createHash('sha256')
  const arrived = (async () => {
    for await (const data of receiver.chunks()) hash.update(data)
  })()
  const sent = await sender.sendfile(file, { offset, length })
  closeSync(file)
  sender.close()
  await arrived
  receiver.close()
  return [sent, hash.digest('hex')]
}

const ranges: [number, number][] = [
  [0, SIZE],
  [1, SIZE - 1],
  [4095, 5 * MIB + 2],
  [3 * MIB - 1, MIB],
  [SIZE - MIB - 7, MIB + 7],
]

test.each(ranges)('all bytes of the range at %d, %d long', async (offset, length) => {
  expect(await transfer(offset, length)).toEqual([length, digest(content.subarray(offset, offset + length))])
})

testIf(
  missing.linux(),
  'all bytes, if pieces of the file leave the page cache before and during the transfer',
  async () => {
    for (const [first, count] of [
      [0, 1],
      [5, 1],
      [9, 13],
      [36, 2],
    ] as const) {
      drop(first, count)
      const running = transfer(0, SIZE)
      drop(30, 2)
      expect(await running).toEqual([SIZE, digest(content)])
    }
  },
)

testIf(missing.linux() ?? missing.setpriv(), 'all bytes of a large file of another user', async () => {
  const script = `
    const { createHash } = require('node:crypto')
    const { createServer, createConnection } = c
    ;(async () => {
      const listener = await createServer({ host: '127.0.0.1' })
      const [receiver, sender] = await Promise.all([createConnection(listener.getsockname()), listener.accept()])
      const hash = createHash('sha256')
      const arrived = (async () => { for await (const data of receiver.chunks()) hash.update(data) })()
      const sent = await sender.sendfile(require('node:fs').openSync('${name}', 'r'))
      for (const socket of [sender, listener]) socket.close()
      await arrived
      console.log(JSON.stringify([sent, hash.digest('hex')]))
    })()`
  const { stdout, stderr } = await runNodeAsNobody(script)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([SIZE, digest(content)])
})

// The page lies between the places that are read without waiting.
const PAGE = 2.25 * MIB
const probe = `(offset, count, part) => {
  const sent = native.sendfileFrom(socket.channel.id, file, offset, count, part, 1e6, ${UNCACHED_STOP})
  return sent === 0 && reactor.memory.state[${STATE_FLAGS}] === ${STOPPED}
}`
const probes = `[stops(${PAGE}, 4096, 4096), stops(0, ${4 * MIB}, ${4 * MIB}), stops(0, ${4 * MIB}, ${MIB})]`

testIf(
  missing.linux() ?? missing.setpriv(),
  'a part of 4 MiB that lacks one page is not sent, be it an own file or not',
  async () => {
    drop(PAGE / 4096, 1, '4K')
    const script = `
      const { native } = require('./dist/binding/binding')
      const { reactor } = require('./dist/reactor')
      const [socket, peer] = Socket.pair()
      const file = require('node:fs').openSync('${name}', 'r')
      const stops = ${probe}
      console.log(JSON.stringify(${probes}))`
    const other = await runNodeAsNobody(script)
    const own = await runNode(script)
    for (const { stdout, stderr } of [own, other]) {
      expect(stderr).toBe('')
      const [absent, large, small] = JSON.parse(stdout) as boolean[]
      expect([large, small]).toEqual([absent, false]) // a file system in memory lacks nothing
    }
  },
)

test('parts grow while the socket takes all, and never again after a thread has read', async () => {
  const [a, b] = Socket.pair()
  const file = openSync(name, 'r')
  const { state } = reactor.memory
  const parts: number[] = []
  // Stands in for the kernel: what the calls return, and STATE_FLAGS.
  const script: [sent: number, flags: number][] = [
    [8 * MIB, 0],
    [MIB, EAGAIN],
    [8 * MIB, 0],
    [0, STOPPED],
    [0, STOPPED],
    [8 * MIB, 0],
    [8 * MIB, 0],
  ]
  const fake = (_slot: number, _file: number, _offset: number, count: number, part: number): number => {
    parts.push(part)
    const [sent, flags] = script.shift() ?? [count, 0]
    state[STATE_FLAGS] = flags
    return sent
  }
  const fakes = [
    jest.spyOn(native, 'sendfile').mockImplementation(fake),
    jest.spyOn(native, 'sendfileFrom').mockImplementation(fake),
  ]
  const received = (async () => {
    let bytes = 0
    for await (const data of b.chunks()) bytes += data.length
    return bytes
  })()
  expect(await a.sendfile(file)).toBe(SIZE)
  a.close()
  expect(await received).toBe(MIB) // what the thread has read
  expect(parts).toEqual([1, 4, 1, 4, 1, 1, 1, 1].map(each => each * MIB))
  for (const each of fakes) each.mockRestore()
  closeSync(file)
  b.close()
})
