import { Worker } from 'node:worker_threads'
import { AF_INET, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, Socket } from '../../lib'
import { errnoOf } from '../../lib/errors/errno'
import * as raw from '../../lib/raw'
import { missing, testIf } from '../helpers/need'

/*
 * Another thread changes the arguments of a call between the check and the use. Each call must read every value once,
 * so that the kernel gets the values that were checked.
 */

const ROUNDS = 60_000
const EPERM = errnoOf('EPERM')

let open: Socket[] = []
const keep = (socket: Socket): Socket => {
  open.push(socket)
  return socket
}
afterEach(() => {
  for (const socket of open) socket.close()
  open = []
})

/** Runs `attack` again and again while a thread alternates the integer between two values. */
async function whileFlipping(
  integer: Int32Array,
  values: readonly [number, number],
  attack: () => void,
): Promise<void> {
  const script = `
    const { workerData: { integer, values: [a, b], stop }, parentPort } = require('node:worker_threads')
    parentPort.postMessage('ready')
    while (Atomics.load(stop, 0) === 0) for (let i = 0; i < 1000; i++) { integer[0] = a; integer[0] = b }
  `
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(script, { eval: true, workerData: { integer, values, stop } })
  await new Promise(resolve => worker.once('message', resolve))
  try {
    for (let i = 0; i < ROUNDS; i++) attack()
  } finally {
    Atomics.store(stop, 0, 1)
    await new Promise(resolve => worker.once('exit', resolve))
  }
}

const shared = (): Int32Array => new Int32Array(new SharedArrayBuffer(4))

/** True if the call throws ERR_OUT_OF_RANGE, as it does for one of the two values. */
function refuses(call: () => unknown): boolean {
  try {
    call()
    return false
  } catch (error) {
    expect((error as { code?: string }).code).toBe('ERR_OUT_OF_RANGE')
    return true
  }
}

testIf(
  missing.linux(),
  'getsockopt writes nothing behind the value if its length grows after the check',
  async () => {
    const TCP_INFO = 11
    const socket = keep(new Socket(AF_INET, SOCK_STREAM))
    const memory = Buffer.alloc(1024)
    const value = memory.subarray(0, 4)
    const length = shared()
    let refused = 0
    await whileFlipping(length, [4, 512], () => {
      if (refuses(() => raw.getsockopt(socket.fd, IPPROTO_TCP, TCP_INFO, value, length))) refused++
    })
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(ROUNDS)
    expect(memory.subarray(4).every(byte => byte === 0)).toBe(true)
  },
)

test('getsockname writes nothing behind the buffer if its length grows after the check', async () => {
  const socket = keep(new Socket(AF_INET, SOCK_DGRAM).bind(['127.0.0.1', 0]))
  const memory = Buffer.alloc(256)
  const address = memory.subarray(0, 2)
  const length = shared()
  let refused = 0
  await whileFlipping(length, [2, 128], () => {
    if (refuses(() => raw.getsockname(socket.fd, address, length))) refused++
  })
  expect(refused).toBeGreaterThan(0)
  expect(refused).toBeLessThan(ROUNDS)
  expect(memory.subarray(2).every(byte => byte === 0)).toBe(true)
})

testIf(
  missing.linux(),
  'an address that is written into the value after the check does not reach the kernel',
  async () => {
    const TCP_ZEROCOPY_RECEIVE = 35
    const socket = keep(new Socket(AF_INET, SOCK_STREAM))
    const value = new Uint8Array(new SharedArrayBuffer(24))
    const results = new Set<number>()
    // The address 1 is not page-aligned: if the kernel gets it, the result is EINVAL, otherwise 0.
    await whileFlipping(new Int32Array(value.buffer, 0, 1), [0, 1], () => {
      results.add(
        raw.getsockopt(socket.fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, value, Int32Array.of(value.length)),
      )
    })
    expect([...results].sort((a, b) => a - b)).toEqual([EPERM, 0])
  },
)

test('getsockopt fills shared memory, and writes nothing beyond the length', () => {
  const socket = keep(new Socket(AF_INET, SOCK_STREAM))
  const value = new Uint8Array(new SharedArrayBuffer(8)).fill(9)
  const length = Int32Array.of(4)
  const [SOL_SOCKET, SO_TYPE] = process.platform === 'linux' ? [1, 3] : [0xffff, 0x1008]
  expect(raw.getsockopt(socket.fd, SOL_SOCKET, SO_TYPE, value, length)).toBe(0)
  expect([...value]).toEqual([SOCK_STREAM, 0, 0, 0, 9, 9, 9, 9])
  expect(length[0]).toBe(4)
})
