import { Jobs } from '../../lib/reactor/jobs'

/** Returns jobs with a thread pool whose jobs end only when the test ends them. */
function pool(most: number) {
  const jobs = new Jobs(most)
  const started: number[] = []
  const results: [name: string, result: number][] = []
  const names = new Map<string, number>()
  const submit = (name: string, refused = 0): (() => void) =>
    jobs.submit(
      ticket => {
        if (refused === 0) started.push(ticket)
        names.set(name, ticket)
        return refused
      },
      result => results.push([name, result]),
    )
  return {
    submit,
    results,
    running: () => [...names.keys()],
    end: (name: string, result = 0) => jobs.done(names.get(name)!, result),
  }
}

test('no more jobs run at once than allowed, and they start in order', () => {
  const { submit, running, end, results } = pool(2)
  for (const name of ['a', 'b', 'c', 'd']) submit(name)
  expect(running()).toEqual(['a', 'b'])
  end('b', 7)
  expect(running()).toEqual(['a', 'b', 'c'])
  end('a')
  expect(running()).toEqual(['a', 'b', 'c', 'd'])
  expect(results).toEqual([
    ['b', 7],
    ['a', 0],
  ])
})

test('a job that is cancelled before it starts never starts', () => {
  const { submit, running, end, results } = pool(1)
  submit('a')
  const forget = submit('b')
  submit('c')
  forget()
  end('a')
  expect(running()).toEqual(['a', 'c'])
  expect(results).toEqual([['a', 0]])
})

test('a job that is cancelled while it runs counts until it ends, and its result is dropped', () => {
  const { submit, running, end, results } = pool(1)
  const forget = submit('a')
  submit('b')
  forget()
  expect(running()).toEqual(['a'])
  end('a', 5)
  expect(running()).toEqual(['a', 'b'])
  expect(results).toEqual([])
})

test('a job that the pool refuses ends with the error, and the next one starts', () => {
  const { submit, running, results } = pool(1)
  submit('a', -12)
  submit('b')
  expect(results).toEqual([['a', -12]])
  expect(running()).toEqual(['a', 'b'])
})

test('a result for an unknown job is ignored', () => {
  new Jobs(1).done(99, 0)
})

test('a job that throws when it starts takes no place', () => {
  const jobs = new Jobs(1)
  const fail = (): never => {
    throw new RangeError('Maximum call stack size exceeded')
  }
  expect(() => jobs.submit(fail, () => undefined)).toThrow(RangeError)
  const start = jest.fn(() => 0)
  jobs.submit(start, () => undefined)
  expect(start).toHaveBeenCalledTimes(1)
})
