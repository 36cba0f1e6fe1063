/** An error as tests look at it: jest runs in a realm of its own, so there is no instanceof. */
export interface Failure extends Error {
  code?: string
  errno?: number
  syscall?: string
  bytesSent?: number
  address?: string
  port?: number
  path?: string
}

/** What a promise is rejected with. Fails when it is not. */
export async function failure(promise: Promise<unknown>): Promise<Failure> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error as Failure
  }
  throw new Error(`resolved with ${String(value)}`)
}

/** What a function throws. Fails when it does not. */
export function thrown(call: () => unknown): Failure {
  let value: unknown
  try {
    value = call()
  } catch (error) {
    return error as Failure
  }
  throw new Error(`returned ${String(value)}`)
}

/** The code of what a promise is rejected with, or 'fulfilled'. */
export const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fulfilled',
    error => (error as Failure).code ?? String(error),
  )
