import { ControlLayout } from '../control/layout'
import { MetaDecoder, type Meta } from '../control/meta'
import { littleEndian, walkControl, type Control } from '../control/walk'
import { FdHandle } from './fd'
import { ErrorRecordDecoder, type ErrorMessage, type ErrorRecord } from '../errqueue/record'
import { addresses, platform } from '../host'
import { native } from '../binding/binding'

const constants = platform.constants
const SOL_SOCKET = constants.SOL_SOCKET!
const SCM_RIGHTS = constants.SCM_RIGHTS!
const SCM_PIDFD = constants.SCM_PIDFD
const FD_SIZE = 4

export const messageFlags = { MSG_TRUNC: constants.MSG_TRUNC!, MSG_CTRUNC: constants.MSG_CTRUNC! }
export const controlLayout = new ControlLayout(platform)

const decoder = new MetaDecoder(platform, addresses)
const errors = new ErrorRecordDecoder(platform, addresses, decoder)

export function metaOf(controls: readonly Control[]): Meta {
  return decoder.decode(controls)
}

/** What a read of the error queue said. */
export function decodeError(message: ErrorMessage): ErrorRecord {
  return errors.decode(message)
}

/** What a control buffer held, with its descriptors taken out of it. */
export interface ReceivedControl {
  control: Control[]
  fds: FdHandle[] | null
  /** Descriptors were closed since there were more than the caller wanted. */
  surplus: boolean
  /** The sender's process, if it was wanted and came. */
  pidfd: FdHandle | null
}

/**
 * Reads a control buffer. Every descriptor in it is this process's now, whoever asked: up to `wanted`
 * of SCM_RIGHTS become FdHandles, as does a wanted SCM_PIDFD, and all others are closed, also when something in
 * here fails.
 */
export function receiveControl(
  bytes: Uint8Array,
  length: number,
  wanted: number,
  pidfdWanted = false,
): ReceivedControl {
  const none = { control: [], fds: wanted > 0 ? [] : null, surplus: false, pidfd: null }
  if (length === 0) return none
  const control: Control[] = []
  const rights: number[] = []
  const pidfds: number[] = []
  for (const message of walkControl(controlLayout, bytes, length)) {
    const numbers = message.level !== SOL_SOCKET ? null : listOf(message.type, rights, pidfds)
    if (numbers === null) control.push(message)
    else readNumbers(message.data, numbers)
  }
  if (rights.length === 0 && pidfds.length === 0) return { ...none, control }
  return { control, ...claim(rights, wanted, pidfds, pidfdWanted ? 1 : 0) }
}

function listOf(type: number, rights: number[], pidfds: number[]): number[] | null {
  return type === SCM_RIGHTS ? rights : type === SCM_PIDFD ? pidfds : null
}

// A part of a number at the end is none, and neither is a negative one: a pidfd that the kernel could not make.
function readNumbers(data: Buffer, numbers: number[]): void {
  for (let at = 0; at + FD_SIZE <= data.length; at += FD_SIZE) {
    const fd = littleEndian ? data.readInt32LE(at) : data.readInt32BE(at)
    if (fd >= 0) numbers.push(fd)
  }
}

function claim(
  rights: readonly number[],
  wanted: number,
  pidfds: readonly number[],
  pidfdsWanted: number,
): Omit<ReceivedControl, 'control'> {
  const handles: FdHandle[] = []
  const take = rights.slice(0, wanted).concat(pidfds.slice(0, pidfdsWanted))
  const drop = rights.slice(wanted).concat(pidfds.slice(pidfdsWanted))
  let next = 0
  try {
    while (next < take.length) handles.push(new FdHandle(take[next++]!)) // closes it when it fails
  } catch (error) {
    for (const handle of handles) handle.close()
    throw error
  } finally {
    for (const fd of [...take.slice(next), ...drop]) native.closeFd(fd)
  }
  const count = Math.min(rights.length, wanted)
  return {
    fds: wanted > 0 ? handles.slice(0, count) : null,
    surplus: wanted > 0 && rights.length > wanted,
    pidfd: handles[count] ?? null,
  }
}
