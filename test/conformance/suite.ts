import { using, type Kind, type Pair } from '../helpers/pairs'
import { calls } from './suite-calls'
import { flow } from './suite-flow'

/** What the parts of the suite share. */
export interface Suite {
  kind: Kind
  /** Returns a test that runs with a new pair. */
  on: (run: (pair: Pair) => Promise<void>) => () => Promise<void>
  /** Defines a test that runs with a new pair, if the kind has what it needs. */
  testOf: (holds: boolean, name: string, run: (pair: Pair) => Promise<void>) => void
}

export const bytes = (text: string): Buffer => Buffer.from(text)

/** Defines the tests that every kind of connected sockets must pass. */
export function conformance(kind: Kind): void {
  const on: Suite['on'] = run => () => using(kind.make, run)
  const testOf: Suite['testOf'] = (holds, name, run) => {
    if (holds) test(name, on(run))
  }
  const suite = { kind, on, testOf }
  flow(suite)
  calls(suite)
}
