import { outOfRange } from '../errors'
import { platform } from '../host'
import { checkFlags, checkOp, checkSyncOp, type Fields, type Op, type Waiting } from '../validators'

const { constants } = platform
const MSG_DONTWAIT = constants.MSG_DONTWAIT!

/*
 * Flags that the kernel uses in one direction only. It ignores most of them in the other, so a mistake would have no
 * effect. Flags that are not listed (MSG_OOB, MSG_NOSIGNAL, those of a newer kernel) are passed on in both directions.
 */
const receiveOnly = present([
  'MSG_PEEK',
  'MSG_WAITALL',
  'MSG_TRUNC',
  'MSG_CTRUNC',
  'MSG_ERRQUEUE',
  'MSG_WAITFORONE',
  'MSG_CMSG_CLOEXEC',
  'MSG_SOCK_DEVMEM',
  'MSG_HAVEMORE',
  'MSG_RCVMORE',
  'MSG_NEEDSA',
  'MSG_WAITSTREAM',
])
const sendOnly = present([
  'MSG_DONTROUTE',
  'MSG_EOR',
  'MSG_PROXY',
  'MSG_CONFIRM',
  'MSG_MORE',
  'MSG_BATCH',
  'MSG_ZEROCOPY',
  'MSG_FASTOPEN',
  'MSG_EOF',
  'MSG_FLUSH',
  'MSG_HOLD',
  'MSG_SEND',
])

function present(names: string[]): [name: string, bit: number][] {
  return names.flatMap(name => (constants[name] === undefined ? [] : [[name, constants[name]]]))
}

const all = (list: typeof sendOnly): number => list.reduce((bits, [, bit]) => bits | bit, 0)
const receiveBits = all(receiveOnly)
const sendBits = all(sendOnly)

function refuse(flags: number, list: typeof sendOnly, kind: string, advice: string): never {
  const names = list.filter(each => (flags & each[1]) !== 0).map(each => each[0])
  throw outOfRange('flags', `flags of a ${kind}, without ${names.join(', ')}${advice}`, flags)
}

/** Checks the flags of a receive. Throws `ERR_OUT_OF_RANGE` for flags that only a send has. */
export function receiveFlags(flags: unknown, advice = ''): number {
  if (flags === 0) return 0 // most calls
  const checked = checkFlags(flags)
  if ((checked & sendBits) !== 0) refuse(checked, sendOnly, 'receive', advice)
  return checked
}

/** Checks the flags of a send. Throws `ERR_OUT_OF_RANGE` for flags that only a receive has. */
export function sendFlags(flags: unknown, advice = ''): number {
  if (flags === 0) return 0
  const checked = checkFlags(flags)
  if ((checked & receiveBits) !== 0) refuse(checked, receiveOnly, 'send', advice)
  return checked
}

type Check = (op: Op | number | undefined, timeout: number | null, more?: Fields) => Waiting

function withFlags(check: Check, checkDirection: typeof receiveFlags): Check {
  return (op, timeout, more) => {
    const waiting = check(op, timeout, more)
    if (waiting.flags === 0) return waiting
    checkDirection(waiting.flags, typeof op === 'number' ? `; a timeout is { timeout: ${op} }` : '')
    if ((waiting.flags & MSG_DONTWAIT) !== 0) waiting.timeout = 0
    return waiting
  }
}

/** Checks the Op of a receive, and its flags. With MSG_DONTWAIT the operation does not wait. */
export const checkReceive = withFlags(checkOp, receiveFlags)
/** Checks the Op of a send, and its flags. With MSG_DONTWAIT the operation does not wait. */
export const checkSend = withFlags(checkOp, sendFlags)
/** The same as checkReceive, for calls that block. */
export const checkSyncReceive = withFlags(checkSyncOp, receiveFlags)
/** The same as checkSend, for calls that block. */
export const checkSyncSend = withFlags(checkSyncOp, sendFlags)
