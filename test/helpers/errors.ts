/** An error with the fields that tests read. jest runs tests in another realm, where instanceof does not work. */
export interface Failure extends Error {
  code?: string
  errno?: number
  syscall?: string
  bytesSent?: number
  address?: string
  port?: number
  path?: string
}

/** Resolves with the error that a promise is rejected with. Throws if the promise is fulfilled. */
export async function failure(promise: Promise<unknown>): Promise<Failure> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error as Failure
  }
  throw new Error(`resolved with ${String(value)}`)
}

/** Returns the error that a function throws. Throws if the function returns. */
export function thrown(call: () => unknown): Failure {
  let value: unknown
  try {
    value = call()
  } catch (error) {
    return error as Failure
  }
  throw new Error(`returned ${String(value)}`)
}

/** Resolves with the code of the error that a promise is rejected with, or with 'fulfilled'. */
export const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fulfilled',
    error => (error as Failure).code ?? String(error),
  )
