import { checkTimeout } from '../validators'

let current: number | null = null

/** Returns the `timeout` of a new socket. */
export function defaultTimeout(): number | null {
  return current
}

/** Returns the default timeout of new sockets in milliseconds, or `null` if they wait without limit. */
export function getDefaultTimeout(): number | null {
  return current
}

/**
 * Sets the default timeout of sockets that are created or accepted from now on. Milliseconds; 0 never waits, `null`
 * waits without limit.
 */
export function setDefaultTimeout(timeout: number | null): void {
  current = checkTimeout('timeout', timeout)
}
