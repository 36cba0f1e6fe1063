import type { Native } from '../../../lib/binding/binding'
import { EAGAIN } from '../../../lib/errors/errno'
import { Operation, PENDING, YIELD } from '../../../lib/reactor/operation'
import type { Channel } from '../../../lib/reactor/channel'
import { Reactor } from '../../../lib/reactor/reactor'
import {
  ACCEPT,
  DRY,
  ERROR,
  ERROR_OPCODE,
  EVENT_WRITABLE,
  JOB,
  READ,
  READINESS,
  INDEX_BITS,
  INDEX_MASK,
  READ_OPCODE,
  READY,
  RECEIVE,
  RECORD_STRIDE,
  SLOT_STRIDE,
  STATE_FREE,
  WRITE,
  WRITE_OPCODE,
  type Direction,
} from '../../../lib/binding/shared'
import { failure } from '../../helpers/errors'

/** Stands in for the addon: logs each call, and the test decides the results and the records. */
class Fake {
  readonly log: string[] = []
  dispatch!: (records: number) => void
  completions!: Int32Array
  state!: Int32Array
  #slots = 0

  connectMemory(
    dispatch: (records: number) => void,
    completions: Int32Array,
    _a: unknown,
    _i: unknown,
    state: Int32Array,
  ): void {
    Object.assign(this, { dispatch, completions, state })
  }
  setTable(table: Int32Array): number {
    this.state[STATE_FREE] = table.length / SLOT_STRIDE
    return 0
  }
  adopt(): number {
    return this.#slots++
  }
  ref(on: boolean): void {
    this.log.push(`ref ${on}`)
  }
  useEdges(slot: number): number {
    this.log.push(`useEdges ${slot}`)
    return 0
  }

  /** The result of watch. */
  watching = 0
  watch(slot: number, writing: number): number {
    this.log.push(`watch ${slot} ${writing}`)
    return this.watching
  }
  close(slot: number): number {
    this.log.push(`close ${slot}`)
    return 0
  }
  detach(slot: number): number {
    return slot
  }
  records(
    ...records: [
      slot: number,
      direction: number,
      opcode: number,
      result: number,
      where?: number,
      mask?: number,
    ][]
  ): void {
    records.forEach(([slot, direction, opcode, result, where = 0, mask = 0], i) =>
      this.completions.set(
        [slot & INDEX_MASK, slot >> INDEX_BITS, direction, opcode, result, where, 0, i, mask],
        i * RECORD_STRIDE,
      ),
    )
    this.dispatch(records.length)
  }
}

class Scripted extends Operation<number> {
  readonly syscall = 'test'
  attempts = 0
  running = false
  jobs: number[] = []
  lies = false

  constructor(
    readonly direction: Direction,
    readonly results: number[],
  ) {
    super()
  }
  attempt(): number {
    this.attempts++
    const result = this.results.shift() ?? EAGAIN
    if (result === PENDING) {
      this.running = true
      reactor.transfers.submit(
        () => 0,
        bytes => {
          this.running = false
          this.jobs.push(bytes)
          reactor.resume(channel, this)
        },
      )
    }
    return result
  }
  override get busy(): boolean {
    return this.running
  }
  wait = 0
  override get grace(): number {
    return this.wait
  }
  override get spurious(): boolean {
    return this.lies
  }
  value(result: number): number {
    return result
  }
  failure(result: number): Error {
    return Object.assign(new Error('scripted'), { code: String(result) })
  }
}

let fake: Fake
let reactor: Reactor
let channel: Channel
beforeEach(() => {
  fake = new Fake()
  reactor = new Reactor(fake as unknown as Native)
  channel = reactor.adopt(100, 0)
})

const field = (name: number): number => reactor.memory.table[channel.index * SLOT_STRIDE + name]!
const submit = (operation: Scripted, timeout: number | null = null, signal?: AbortSignal): Promise<number> =>
  reactor.submit(channel, operation, timeout, signal)
const read = (...results: number[]): Scripted => new Scripted(READ, results)
const write = (...results: number[]): Scripted => new Scripted(WRITE, results)
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('submit with an empty queue makes one attempt and watches nothing', async () => {
  expect(await submit(read(7))).toBe(7)
  expect((await failure(submit(read(-5)))).code).toBe('-5')
  expect(fake.log).toEqual([])
})

test('after EAGAIN the operation is queued and its direction armed, and a record with a result settles the head', async () => {
  const [first, second, third] = [read(EAGAIN), read(2), read(EAGAIN)]
  const all = [first, second, third].map(operation => submit(operation))
  expect([first.attempts, second.attempts]).toEqual([1, 0])
  expect(fake.log).toEqual(['ref true', 'watch 0 0'])
  expect(field(READ_OPCODE)).toBe(READY)
  fake.records([0, READ, RECEIVE, 1])
  expect(await Promise.all(all.slice(0, 2))).toEqual([1, 2])
  expect(third.attempts).toBe(1)
  fake.records([0, READ, RECEIVE, 3])
  expect(await all[2]).toBe(3)
  expect(fake.log).toEqual(['ref true', 'watch 0 0', 'ref false'])
})

test('in a direction marked dry an operation is armed without an attempt, except with timeout 0 and in tryX', async () => {
  reactor.memory.table[READINESS] = DRY
  const waits = read(9)
  const promise = submit(waits)
  expect(waits.attempts).toBe(0)
  expect(reactor.attemptNow(channel, read(1))).toBeNull()
  fake.records([0, READ, READY, 0])
  expect(await promise).toBe(9)
  expect(await submit(read(4), 0)).toBe(4)
  expect(reactor.attemptNow(channel, read(5))).toBe(5)
})

test('if the head can no longer be watched, every operation behind it is attempted or rejected', async () => {
  const [first, second, third] = [write(EAGAIN, EAGAIN), write(EAGAIN), write(3)]
  const ended = Promise.allSettled([submit(first), submit(second), submit(third)])
  fake.watching = -28 // ENOSPC
  fake.records([0, WRITE, READY, 0])
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})

test('READY to read that meets EAGAIN is armed again, with edges for the rest of the wait', async () => {
  const operation = read(EAGAIN, EAGAIN, 1)
  const promise = submit(operation)
  fake.records([0, READ, READY, 0])
  expect(operation.attempts).toBe(2)
  expect(fake.log).toContain('useEdges 0')
  fake.records([0, READ, READY, 0])
  expect(await promise).toBe(1)
})

test('READY to write that meets EAGAIN is retried by timer, besides the edges', async () => {
  const operation = write(EAGAIN, EAGAIN, EAGAIN, 3)
  const promise = submit(operation)
  expect(channel.extras).toBeNull()
  fake.records([0, WRITE, READY, 0, 0, EVENT_WRITABLE])
  expect(channel.extras!.backoff).not.toBeNull()
  expect(await promise).toBe(3)
  expect([operation.attempts, channel.extras!.backoff]).toEqual([4, null])
})

test('an operation that cannot trust readiness is retried by timer from the start', async () => {
  const operation = write(EAGAIN, 8)
  operation.lies = true
  expect(await submit(operation)).toBe(8)
})

test('64 operations complete in one turn, and the rest in the next', async () => {
  const ended: number[] = []
  const operations = Array.from({ length: 70 }, (_, i) => read(i))
  const all = operations.map(operation => submit(operation).then(result => ended.push(result)))
  expect(operations.filter(operation => operation.attempts > 0)).toHaveLength(64)
  await Promise.resolve()
  expect(operations[64]!.attempts).toBe(0)
  await turn()
  await Promise.all(all)
  expect(ended).toEqual(operations.map((_, i) => i))
})

test('an operation that returns YIELD continues in the next turn', async () => {
  const operation = write(YIELD, YIELD, 5)
  const promise = submit(operation)
  expect(operation.attempts).toBe(1)
  await turn()
  expect(operation.attempts).toBe(2)
  expect(await promise).toBe(5)
})

test('an operation that returns YIELD with timeout 0 continues until it would block', async () => {
  expect(await submit(write(YIELD, YIELD, 5), 0)).toBe(5)
  expect((await failure(submit(write(YIELD, EAGAIN), 0))).code).toBe(String(EAGAIN))
})

test('an operation that returns PENDING waits for its JOB record', async () => {
  const operation = write(PENDING, 6)
  const behind = write(7)
  const all = Promise.all([submit(operation), submit(behind)])
  expect(field(WRITE_OPCODE)).not.toBe(READY)
  fake.records([1, WRITE, JOB, 42])
  expect(await all).toEqual([6, 7])
  expect(operation.jobs).toEqual([42])
})

test('an aborted operation with a job is rejected at once, and the result of its job is dropped', async () => {
  const controller = new AbortController()
  const promise = submit(write(PENDING), null, controller.signal)
  const behind = submit(write(7))
  controller.abort()
  expect((await failure(promise)).name).toBe('AbortError')
  expect(await behind).toBe(7)
  fake.records([1, WRITE, JOB, 1])
})

test.each([
  ['when the job has ended', 60000],
  ['when its grace is over', 5],
])('an aborted operation with a job and a grace period is rejected %s', async (_name, grace) => {
  const controller = new AbortController()
  const operation = write(PENDING)
  operation.wait = grace
  const promise = submit(operation, null, controller.signal)
  let settled = false
  promise.catch(() => (settled = true))
  controller.abort()
  await turn()
  expect(settled).toBe(false)
  if (grace > 1000) fake.records([1, WRITE, JOB, 1])
  expect((await failure(promise)).name).toBe('AbortError')
})

test('abort and timeout remove an operation, and the one behind it is attempted', async () => {
  const controller = new AbortController()
  const second = read(2)
  const all = [submit(read(EAGAIN), null, controller.signal), submit(second), submit(read(EAGAIN), 5)]
  controller.abort()
  expect((await failure(all[0]!)).name).toBe('AbortError')
  expect(await all[1]).toBe(2)
  expect((await failure(all[2]!)).code).toBe('ERR_SOCKET_TIMEOUT')
})

test('close removes all operations, closes the descriptor, and rejects with ECANCELED in order', async () => {
  const order: string[] = []
  const all = [read(), read(), write()].map((operation, i) =>
    submit(operation).catch(error =>
      order.push(`${i} ${(error as { code: string }).code} after ${fake.log.at(-1)}`),
    ),
  )
  const armed = channel.index * SLOT_STRIDE + READ_OPCODE
  reactor.close(channel)
  expect(reactor.memory.table[armed]).toBe(0)
  await Promise.all(all)
  expect(order).toEqual([
    '0 ECANCELED after close 0',
    '1 ECANCELED after close 0',
    '2 ECANCELED after close 0',
  ])
  expect((await failure(submit(read(1)))).code).toBe('EBADF')
})

test('for a closed socket, a record of an accepted connection closes it, and other records are ignored', async () => {
  const waiting = failure(submit(read()))
  reactor.close(channel)
  fake.records([0, READ, ACCEPT, 55, 17], [0, READ, RECEIVE, 3], [0, READ, ACCEPT, -11, 18])
  expect((await waiting).code).toBe('ECANCELED')
  expect(fake.log.filter(line => line.startsWith('close'))).toEqual(['close 0', 'close 17'])
})

test('a record of an older generation does not reach the socket that has the slot now', async () => {
  const operation = read(EAGAIN, 1)
  const promise = submit(operation)
  fake.records([(1 << 22) | 0, READ, RECEIVE, 99])
  expect(operation.queued).toBe(true)
  fake.records([0, READ, READY, 0])
  expect(await promise).toBe(1)
})

test('an attempt that throws rejects its operation, and the next is attempted', async () => {
  const bad = read(EAGAIN)
  const all = [failure(submit(bad)), submit(read(2))] as const
  bad.attempt = () => {
    throw new TypeError('gone')
  }
  fake.records([0, READ, READY, 0])
  expect((await all[0]).message).toBe('gone')
  expect(await all[1]).toBe(2)
})

const errors = (...results: number[]): Scripted => new Scripted(ERROR, results)

test('a record of the error queue makes every waiting reader try, and the direction stays armed for the rest', async () => {
  const [first, second, third] = [errors(EAGAIN), errors(2), errors(EAGAIN, 3)]
  const all = [first, second, third].map(operation => submit(operation))
  expect(field(ERROR_OPCODE)).toBe(READY)
  reactor.memory.table[ERROR_OPCODE] = 0 // as C++ does after the record
  fake.records([0, ERROR, READY, 0])
  expect(await all[1]).toBe(2)
  expect([first.attempts, second.attempts, third.attempts]).toEqual([2, 1, 1])
  expect(field(ERROR_OPCODE)).toBe(READY)
  fake.records([0, ERROR, READY, 0])
  expect(await all[2]).toBe(3)
  reactor.cancel(channel, first, new Error('enough'))
  expect((await failure(all[0]!)).message).toBe('enough')
  expect(field(ERROR_OPCODE)).toBe(0)
})

test('a reader of the error queue that throws is rejected, and the next is attempted', async () => {
  const [bad, good] = [errors(EAGAIN), errors(-5, 1)]
  const all = [failure(submit(bad)), failure(submit(good))] as const
  bad.attempt = () => {
    throw new TypeError('gone')
  }
  fake.records([0, ERROR, READY, 0])
  expect((await all[0]).message).toBe('gone')
  expect((await all[1]).code).toBe('-5')
})

test('before the error queue is read, waiting sends and receives are attempted, even without budget', async () => {
  const [reader, writer] = [read(EAGAIN, -111), write(EAGAIN, -111)]
  const all = [failure(submit(reader)), failure(submit(writer))]
  channel.budget = 0
  reactor.serveOthers(channel)
  expect((await Promise.all(all)).map(({ code }) => code)).toEqual(['-111', '-111'])
  expect([reader.attempts, writer.attempts]).toEqual([2, 2])
})
