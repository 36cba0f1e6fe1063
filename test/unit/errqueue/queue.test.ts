import { ErrorQueue, MAX_RECORDS_AT_ONCE } from '../../../lib/reactor/error-queue'
import type { ErrorRecord } from '../../../lib/errqueue/record'

const EAGAIN = -11
const record = (id: number, origin = 'icmp'): ErrorRecord => ({ id, origin }) as unknown as ErrorRecord
const scripted = (records: (ErrorRecord | number)[]): ErrorQueue =>
  new ErrorQueue(() => records.shift() ?? EAGAIN)
const ids = (records: ErrorRecord[]): unknown[] => records.map(({ id }) => id)

test('drain reads the records that are there, in order, and then returns EAGAIN', () => {
  const queue = scripted([record(1), record(2)])
  expect(queue.drain()).toBe(2)
  expect(queue.drain()).toBe(EAGAIN)
  expect(ids(queue.take(1))).toEqual([1])
  expect(ids(queue.take(9))).toEqual([2])
  expect(queue.size).toBe(0)
})

test('records read before a failure are kept, and the next drain returns the failure', () => {
  const queue = scripted([record(1), -9, -9])
  expect(queue.drain()).toBe(1)
  expect(queue.drain()).toBe(-9)
  expect(ids(queue.take(9))).toEqual([1])
})

test('one drain reads a limited number of records', () => {
  let made = 0
  const queue = new ErrorQueue(() => record(made++))
  expect(queue.drain()).toBe(MAX_RECORDS_AT_ONCE)
  expect(made).toBe(MAX_RECORDS_AT_ONCE)
})

test('a claim receives its records before the readers do, until it is released', () => {
  const queue = scripted([record(1, 'zerocopy'), record(2), record(3, 'zerocopy')])
  const claimed: ErrorRecord[] = []
  const giveUp = queue.claim(each => each.origin === 'zerocopy' && claimed.push(each) > 0)
  queue.drain()
  expect(ids(claimed)).toEqual([1, 3])
  expect(ids(queue.take(9))).toEqual([2])
  giveUp()
  const again = scripted([record(4, 'zerocopy')])
  again.drain()
  expect(ids(again.take(9))).toEqual([4])
})

test('without readers the queue keeps the newest 1024 records', () => {
  let made = 0
  const queue = new ErrorQueue(() => record(made++))
  for (let i = 0; i < 40; i++) queue.drain()
  expect(queue.size).toBe(1024)
  expect(queue.take(1)[0]!.id).toBe(40 * MAX_RECORDS_AT_ONCE - 1024)
})

test('once: after one attempt found the queue empty, the others make no system call', () => {
  const records = [record(1), record(2)]
  let reads = 0
  const queue = new ErrorQueue(() => (reads++, records.shift() ?? EAGAIN))
  const results: number[] = []
  queue.once(() => {
    for (let i = 0; i < 3; i++) results.push(queue.drain())
  })
  expect([results, reads]).toEqual([[2, EAGAIN, EAGAIN], 3])
  records.push(record(3))
  expect(queue.drain()).toBe(1)
  expect(() =>
    queue.once(() => {
      queue.drain()
      throw new Error('an attempt may throw')
    }),
  ).toThrow('an attempt')
  records.push(record(4))
  expect(queue.drain()).toBe(1)
})
