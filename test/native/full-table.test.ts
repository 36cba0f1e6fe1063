import { closeSync, openSync, readdirSync } from 'node:fs'
import { constants } from '../../lib'
import type { Native } from '../../lib/binding/binding'
import { loadAddon } from '../../lib/binding/load'
import * as shared from '../../lib/binding/shared'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'

/*
 * TypeScript enlarges the slot table before it is full, so a call that finds no free slot is a bug there. Such a call
 * must not leak a descriptor or close one that it does not own. The tests use a binding with a small table.
 */
const { AF_UNIX, SOCK_STREAM } = constants as Record<string, number>
const ENOBUFS = -105
const EAGAIN = -11
const EBADF = -9
const linux = process.platform === 'linux'
const none = linux ? ENOBUFS : -55

interface Bound {
  native: Native
  state: Int32Array
  /** Returns the id of the slot whose index a call left in the state. */
  idAt(index: number): number
}

function bindingWith(slots: number): Bound {
  const native = (loadAddon() as { open(): Native }).open()
  const state = new Int32Array(shared.STATE_FIELDS)
  native.connectMemory(
    () => undefined,
    new Int32Array(shared.MAX_RECORDS * shared.RECORD_STRIDE),
    new Uint8Array((shared.MAX_EVENTS + 1) * shared.ADDRESS_SIZE),
    new Uint8Array(shared.INBOX_SIZE),
    state,
  )
  const table = new Int32Array(slots * shared.SLOT_STRIDE)
  expect(native.setTable(table)).toBe(0)
  const idAt = (index: number): number =>
    shared.idOf(index, table[index * shared.SLOT_STRIDE + shared.GENERATION]!)
  return { native, state, idAt }
}

const open = (): string[] => readdirSync(linux ? '/proc/self/fd' : '/dev/fd')

test('adopt without a free slot fails with ENOBUFS and leaves the descriptor to the caller', () => {
  const { native, state } = bindingWith(0)
  expect(state[shared.STATE_FREE]).toBe(0)
  const fd = native.socket(AF_UNIX!, SOCK_STREAM!, 0)
  const before = open()
  expect([native.adopt(fd, 0), native.adoptAsIs(fd), native.adoptDuplicate(fd)]).toEqual([none, none, none])
  expect(open()).toEqual(before)
  expect([native.hasSlot(fd), native.stats().slots]).toEqual([0, 0])
  expect([native.closeFd(fd), native.adoptDuplicate(fd)]).toEqual([0, EBADF])
})

testIf(missing.linux(), 'pipe takes two slots, or fails with ENOBUFS and takes none', () => {
  for (const slots of [0, 1]) {
    const { native, state } = bindingWith(slots)
    const before = open()
    expect(native.pipe(4096)).toBe(ENOBUFS)
    expect(open()).toEqual(before)
    expect([native.stats().slots, state[shared.STATE_FREE]]).toEqual([0, slots])
  }
  const { native, state, idAt } = bindingWith(2)
  expect(native.pipe(4096)).toBe(0)
  const [reading, writing] = [idAt(state[shared.STATE_SLOT]!), idAt(state[shared.STATE_SECOND]!)]
  expect(native.read(reading, new Uint8Array(1))).toBe(EAGAIN)
  expect([native.close(reading), native.close(writing)]).toEqual([0, 0])
})

test('accept without a free slot closes the connection', () => {
  const { native } = bindingWith(1)
  const listener = native.adopt(native.socket(AF_UNIX!, SOCK_STREAM!, 0), 1)
  // With an address of no path Linux chooses an abstract name. Elsewhere bind fails, and the test ends here.
  const address = new Uint8Array([AF_UNIX!, 0])
  if (native.bind(listener, address) !== 0) return void native.close(listener)
  expect([native.getsockname(listener), native.listen(listener, 1)]).toEqual([0, 0])
  const name = new Uint8Array(shared.ADDRESS_SIZE)
  const length = Int32Array.of(name.length)
  const client = native.socket(AF_UNIX!, SOCK_STREAM!, 0)
  const descriptor = native.descriptor(listener)
  expect(native.raw.getsockname(descriptor, name, length)).toBe(0)
  expect(native.raw.connect(client, name.subarray(0, length[0]))).toBe(0)
  const before = open()
  expect(native.accept(listener)).toBe(none)
  expect(open()).toEqual(before)
  expect(native.raw.recv(client, new Uint8Array(1), 0)).toBe(0)
  expect([native.closeFd(client), native.close(listener)]).toEqual([0, 0])
})

test('a function that takes two slots fails with EBADF if the second one is gone', () => {
  const { native } = bindingWith(2)
  const slot = native.adopt(native.socket(AF_UNIX!, SOCK_STREAM!, 0), 0)
  for (const gone of [shared.INDEX_MASK, -1, slot + (1 << shared.INDEX_BITS), 2 ** 52 + slot]) {
    expect(native.sendfile(slot, gone, 0, 1, 1, 0, 0)).toBe(EBADF)
    expect(native.transferJob(slot, gone, -1, 0, 1, 1)).toBe(EBADF)
    expect(native.splice(slot, gone, 1)).toBe(EBADF)
    if (gone !== -1) expect(native.transferJob(slot, slot, gone, 0, 1, 1)).toBe(EBADF)
  }
  expect(native.stats().jobs).toBe(0)
  native.close(slot)
})

test('adoptAsIs takes a file of the caller, and close closes it', () => {
  const { native } = bindingWith(1)
  const fd = openSync(__filename, 'r')
  const slot = native.adoptAsIs(fd)
  expect(native.hasSlot(fd)).toBe(1)
  expect(native.close(slot)).toBe(0)
  expect(() => closeSync(fd)).toThrow('EBADF')
  expect(thrown(() => native.setTable(new Int32Array(0)))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
})
