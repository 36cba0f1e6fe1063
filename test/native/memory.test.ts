import { constants, SOCK_DGRAM, Socket } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'
import { thrown } from '../helpers/errors'
import { withSlot } from './slot'

describe('the memory of a batch', () => {
  // in the order of the arguments
  const slab = (change: Record<string, unknown> = {}): unknown[] =>
    Object.values({
      data: new Uint8Array(2 * 16),
      names: new Uint8Array(2 * 128),
      control: new Uint8Array(2 * 32),
      fields: new Int32Array(2 * 4),
      size: 16,
      controlSize: 32,
      first: 0,
      count: 2,
      flags: 0,
      ...change,
    })

  test.each([
    ['data', { data: new Uint8Array(31) }],
    ['names', { names: new Uint8Array(255) }],
    ['control', { control: new Uint8Array(63) }],
    ['control without memory', { control: null }],
    ['size', { size: 17 }],
    ['first', { first: 1, fields: new Int32Array(12) }],
  ])('if %s is too small for the messages, nothing is sent or received', (_name, change) => {
    withSlot(slot => {
      for (const call of [native.recvmmsg, native.sendmmsg] as ((...values: unknown[]) => unknown)[]) {
        expect(thrown(() => call(slot, ...slab(change))).code).toBe('ERR_OUT_OF_RANGE')
      }
    })
  })

  test.each([
    ['data', { data: new Uint8Array(47) }],
    ['names', { names: new Uint8Array(255) }],
    ['names of length 0', { names: new Uint8Array(0) }],
    ['control without memory', { control: null }],
    ['fields', { fields: new Int32Array(7) }, 'ERR_INVALID_ARG_TYPE'],
    ['the stride', { first: 15 }],
    ['the stride, which must be a multiple of 8', { size: 17, first: 17 }],
  ])(
    'if %s is too small for packed messages, nothing is received',
    (_name, change, code = 'ERR_OUT_OF_RANGE') => {
      withSlot(slot => {
        const call = native.recvPacked as (...values: unknown[]) => unknown
        const own = slab({ data: new Uint8Array(48), first: 24, ...change }) // the stride takes the place of `first`
        expect(thrown(() => call(slot, ...own, 0)).code).toBe(code)
      })
    },
  )

  test('packed messages begin at multiples of 8, and large ones stay in their places', () => {
    const [a, b] = Socket.pair(constants.AF_UNIX, SOCK_DGRAM)
    const receiver = reactor.adopt(native.dupFd(b.fd), 0).id
    const data = new Uint8Array(5 * 5000)
    const fields = new Int32Array(5 * 4)
    const sent = [3, 9, 4096, 1, 2].map((length, i) => Buffer.alloc(length, i + 1))
    for (const each of sent) a.trySend(each)
    expect(native.recvPacked(receiver, data, null, null, fields, 4999, 0, 5000, 5, 0, 0)).toBe(5)
    const places = [0, 8, 10000, 15000, 15008]
    expect(sent.map(({ length }, i) => fields[i * 4] === length)).toEqual(sent.map(() => true))
    sent.forEach((each, i) =>
      expect(each.equals(data.subarray(places[i], places[i]! + each.length))).toBe(true),
    )
    native.close(receiver)
    a.close()
    b.close()
  })

  test.each([
    [4500, [5000, 10000, 15000, 25000]],
    [900, [0, 904, 1808, 1816]],
  ])('messages that fill places of %s bytes stay there, and the others are moved', (length, moved) => {
    const [a, b] = Socket.pair(constants.AF_UNIX, SOCK_DGRAM)
    const receiver = reactor.adopt(native.dupFd(b.fd), 0).id
    const [data, fields] = [new Uint8Array(7 * 5000), new Int32Array(7 * 4)]
    const next = (length + 7) & -8 // from one place to the next
    const first = new Uint8Array(next + length)
    const second = new Uint8Array(3 * next)
    const call = (buffers: Uint8Array[], expected: number): number =>
      native.recvPacked(receiver, buffers, null, null, fields, 4999, 0, 5000, 7, 0, expected)
    const sent = [length, length - 1, length + 1, 3, length, length, 4999].map((size, i) =>
      Buffer.alloc(size, i + 1),
    )
    for (const each of sent) a.trySend(each)
    expect(call([data, first, new Uint8Array(length - 1), second], length)).toBe(7)
    const found = [
      first.subarray(0),
      ...moved.slice(0, 3).map(at => data.subarray(at)),
      second.subarray(2 * next), // the places of the others are wasted
      data.subarray(moved[3]),
      data.subarray(30000),
    ]
    expect(found.map((memory, i) => sent[i]!.equals(memory.subarray(0, sent[i]!.length)))).toEqual(
      sent.map(() => true),
    )
    expect(thrown(() => call([], length)).code).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => call([data], 5000)).code).toBe('ERR_OUT_OF_RANGE')
    native.close(receiver)
    a.close()
    b.close()
  })

  test('lengths that JavaScript wrote are limited to the size of the memory', () => {
    const [a, b] = Socket.pair(constants.AF_UNIX, SOCK_DGRAM)
    const sender = reactor.adopt(native.dupFd(a.fd), 0).id
    const fields = Int32Array.of(1000, 0, 0, -5, -1, 0, 0, 0)
    const send = native.sendmmsg as (...values: unknown[]) => number
    expect(send(sender, ...slab({ fields }))).toBe(2)
    expect([b.tryRecv(100)?.length, b.tryRecv(100)?.length]).toEqual([16, 0])
    native.close(sender)
    a.close()
    b.close()
  })
})

test('sendmsg takes views of every type by their byte length, and detached memory as empty', () => {
  const [a, b] = Socket.pair()
  const slot = reactor.adopt(native.dupFd(a.fd), 0).id
  const gone = new Uint8Array(8)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  const views = [
    new Int16Array(3),
    new Float64Array(1),
    new BigUint64Array(1),
    new DataView(new ArrayBuffer(5)),
  ]
  expect(native.sendmsg(slot, [gone, ...views], null, 0, null)).toBe(6 + 8 + 8 + 5)
  expect(native.sendmsg(slot, [new Uint8ClampedArray(2), new Uint32Array(1), new Float32Array(1)], null, 0, null)).toBe(10) // prettier-ignore
  expect(b.tryRecv(100)?.length).toBe(37)
  native.close(slot)
  a.close()
  b.close()
})
