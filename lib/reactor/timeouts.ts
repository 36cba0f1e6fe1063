import { checkTimeout } from '../validators'

let current: number | null = null

/** What `timeout` is for a new socket. */
export function defaultTimeout(): number | null {
  return current
}

/** The default timeout of new sockets in milliseconds, or `null`: they wait for ever. */
export function getDefaultTimeout(): number | null {
  return current
}

/** Sets the default timeout of sockets made from now on, accepted ones included: milliseconds, 0 or `null`. */
export function setDefaultTimeout(timeout: number | null): void {
  current = checkTimeout('timeout', timeout)
}
