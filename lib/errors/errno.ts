import { checkInteger } from './argument'
import { errnoMessages, errnoNames } from './errno.gen'

// uncovered: the other branch is for another system
export const os: 'linux' | 'darwin' = process.platform === 'darwin' ? 'darwin' : 'linux'

const names = errnoNames[os]
const texts = errnoMessages[os]
const numbers = new Map([...names].map(([number, name]) => [name, number]))

/** Returns the code of a negative errno, such as `'ECONNREFUSED'`, or the number as text if it has no name. */
export function errnoCode(errno: number): string {
  return names.get(-errno) ?? String(-errno)
}

/** Returns the negative errno of a code, or 0 if this system does not have the code. */
export function errnoOf(code: string): number {
  const number = numbers.get(code)
  return number === undefined ? 0 : -number
}

/**
 * Returns the text of an error number of this system. The number may be positive, as in C, or negative, as the `errno`
 * of an error: `'Connection refused'` for 111 and −111 on Linux. A number without a name gives `'Unknown error 4711'`.
 * strerror(3)
 */
export function strerror(errno: number): string {
  const number = Math.abs(checkInteger('errno', errno, -0x7fffffff, 0x7fffffff))
  return texts.get(number) ?? (number === 0 ? 'Success' : `Unknown error ${number}`)
}

export const EAGAIN = errnoOf('EAGAIN')
export const EALREADY = errnoOf('EALREADY')
export const EBADF = errnoOf('EBADF')
export const EBUSY = errnoOf('EBUSY')
export const ECANCELED = errnoOf('ECANCELED')
export const EINPROGRESS = errnoOf('EINPROGRESS')
export const EINVAL = errnoOf('EINVAL')
export const EIO = errnoOf('EIO')
export const EMSGSIZE = errnoOf('EMSGSIZE')
export const EINTR = errnoOf('EINTR')
export const ENETDOWN = errnoOf('ENETDOWN')
export const ENODEV = errnoOf('ENODEV')
export const ENOBUFS = errnoOf('ENOBUFS')
export const ENOSYS = errnoOf('ENOSYS')
export const ENOTCONN = errnoOf('ENOTCONN')
export const ENXIO = errnoOf('ENXIO')
export const EPERM = errnoOf('EPERM')
