import { race, type Clock } from '../../lib/net/happy-eyeballs'
import { failure } from '../helpers/errors'

interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(reason: Error): void
}

function deferred<T>(): Deferred<T> {
  const made = {} as Deferred<T>
  made.promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

/** A controlled clock, controlled answers of the resolver, and a log of the events. */
function scene(lookups: number, { attemptDelay = 250, resolutionDelay = 50 } = {}) {
  const log: string[] = []
  let now = 0
  let timers: { at: number; callback: () => void }[] = []
  const clock: Clock = {
    set: (callback, milliseconds) => {
      const timer = { at: now + milliseconds, callback }
      timers.push(timer)
      return timer
    },
    clear: timer => (timers = timers.filter(each => each !== timer)),
  }
  const answers = Array.from({ length: lookups }, () => deferred<string[]>())
  const attempts = new Map<string, Deferred<string>>()
  const controller = new AbortController()
  const errors = { lookups: [] as Error[], attempts: [] as Error[] }
  const won = race<string, string>({
    lookups: answers.map(each => each.promise),
    attempt: (address, signal) => {
      log.push(`${now} ${address}`)
      const attempt = deferred<string>()
      attempts.set(address, attempt)
      signal.addEventListener('abort', () => log.push(`abort ${address}`))
      return attempt.promise
    },
    discard: loser => log.push(`discard ${loser}`),
    attemptDelay,
    resolutionDelay,
    signal: controller.signal,
    errors,
    clock,
  })
  won.catch(() => undefined)
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  return {
    log,
    errors,
    won,
    waiting: () => timers.length,
    answer: async (i: number, ...addresses: string[]) => (answers[i]!.resolve(addresses), settle()),
    unknown: async (i: number, text: string) => (answers[i]!.reject(new Error(text)), settle()),
    fail: async (address: string) => (attempts.get(address)!.reject(new Error(address)), settle()),
    connect: async (address: string) => (attempts.get(address)!.resolve(address), settle()),
    abort: async (reason: Error) => (controller.abort(reason), settle()),
    pass: async (milliseconds: number) => {
      for (const end = now + milliseconds; ;) {
        const next = timers.filter(each => each.at <= end).sort((a, b) => a.at - b.at)[0]
        now = next?.at ?? end
        if (next === undefined) return
        timers = timers.filter(each => each !== next)
        next.callback()
        await settle()
      }
    },
  }
}

test('attempts alternate between the families, each after its delay', async () => {
  const { answer, pass, log, connect, won, waiting } = scene(2)
  await answer(0, 'six1', 'six2', 'six3')
  await answer(1, 'four1', 'four2')
  expect(log).toEqual(['0 six1'])
  await pass(1250)
  expect(log).toEqual(['0 six1', '250 four1', '500 six2', '750 four2', '1000 six3'])
  await connect('four1')
  expect(await won).toBe('four1')
  expect(log.slice(5)).toEqual(['abort six1', 'abort six2', 'abort four2', 'abort six3'])
  await connect('six1') // after the winner
  expect(log.at(-1)).toBe('discard six1')
  expect(waiting()).toBe(0)
})

test('the answer of the preferred family starts an attempt immediately', async () => {
  const { answer, log } = scene(2)
  await answer(0, 'six')
  expect(log).toEqual(['0 six'])
})

test('the answer of the other family waits for the preferred family for the resolution delay', async () => {
  const { answer, pass, log } = scene(2)
  await answer(1, 'four')
  await pass(49)
  expect(log).toEqual([])
  await pass(1)
  expect(log).toEqual(['50 four'])
})

test('the other family starts immediately if the preferred family has no address', async () => {
  const { answer, unknown, log } = scene(2)
  await answer(1, 'four')
  await unknown(0, 'no six')
  expect(log).toEqual(['0 four'])
})

test('IPv6 is tried first if its answer arrives within the resolution delay', async () => {
  const { answer, pass, log } = scene(2)
  await answer(1, 'four')
  await pass(30)
  await answer(0, 'six')
  await pass(250)
  expect(log).toEqual(['30 six', '280 four'])
})

test('addresses that are found late join the alternation', async () => {
  const { answer, pass, log } = scene(2)
  await answer(1, 'four1', 'four2')
  await pass(60)
  await answer(0, 'six1', 'six2')
  await pass(750)
  expect(log).toEqual(['50 four1', '300 six1', '550 four2', '800 six2'])
})

test('addresses that are found late start immediately if no other attempt is pending', async () => {
  const { answer, pass, fail, log } = scene(2)
  await answer(1, 'four')
  await pass(50)
  await fail('four')
  await pass(1000)
  expect(log).toEqual(['50 four'])
  await answer(0, 'six')
  expect(log).toEqual(['50 four', '1050 six'])
})

test('a failed attempt starts the next one immediately, with a full delay', async () => {
  const { answer, pass, fail, log } = scene(2)
  await answer(0, 'six1', 'six2')
  await answer(1, 'four1', 'four2')
  await pass(100)
  await fail('six1')
  expect(log).toEqual(['0 six1', '100 four1'])
  await pass(249)
  expect(log).toHaveLength(2)
  await pass(1)
  expect(log.at(-1)).toBe('350 six2')
})

test('the failure of an older attempt does not shorten the delay of the latest one', async () => {
  const { answer, pass, fail, log } = scene(2)
  await answer(0, 'six1', 'six2')
  await answer(1, 'four1')
  await pass(260)
  await fail('six1')
  expect(log).toEqual(['0 six1', '250 four1'])
  await pass(240)
  expect(log.at(-1)).toBe('500 six2')
})

test('without racing, each attempt waits for the failure of the previous one, in order', async () => {
  const { answer, pass, fail, log, waiting, won, errors } = scene(1, { attemptDelay: Infinity })
  await answer(0, 'four1', 'six', 'four2')
  expect(waiting()).toBe(0)
  await pass(100000)
  expect(log).toEqual(['0 four1'])
  await fail('four1')
  await fail('six')
  await fail('four2')
  expect(log).toEqual(['0 four1', '100000 six', '100000 four2'])
  expect(await won).toBeNull()
  expect(errors.attempts.map(each => each.message)).toEqual(['four1', 'six', 'four2'])
})

test('connect resolves with null and both lookup errors if no address is found', async () => {
  const { unknown, won, errors, waiting } = scene(2)
  await unknown(1, 'no four')
  await unknown(0, 'no six')
  expect(await won).toBeNull()
  expect(errors.lookups.map(each => each.message)).toEqual(['no four', 'no six'])
  expect(waiting()).toBe(0)
})

test('empty answers count as no address', async () => {
  const { answer, won } = scene(2)
  await answer(1)
  await answer(0)
  expect(await won).toBeNull()
})

test('a failed attempt does not end the race while a lookup is pending', async () => {
  const { answer, fail, connect, won } = scene(2)
  await answer(0, 'six')
  await fail('six')
  await answer(1, 'four')
  await connect('four')
  expect(await won).toBe('four')
})

test('an abort stops all attempts and lookups', async () => {
  const { answer, pass, abort, log, won, waiting, connect } = scene(2)
  await answer(0, 'six1', 'six2')
  await answer(1, 'four')
  await pass(300)
  const reason = new Error('mine')
  await abort(reason)
  expect(await failure(won)).toBe(reason)
  await pass(1000)
  expect(log).toEqual(['0 six1', '250 four', 'abort six1', 'abort four'])
  expect(waiting()).toBe(0)
  await connect('four')
  expect(log.at(-1)).toBe('discard four')
})

test('an abort ends the resolution delay of the other family', async () => {
  const { answer, abort, log, won, waiting } = scene(2)
  await answer(1, 'four')
  await abort(new Error('mine'))
  expect(await failure(won)).toHaveProperty('message', 'mine')
  expect(log).toEqual([])
  expect(waiting()).toBe(0)
})
