import { ControlLayout } from '../control/layout'
import { MetaDecoder, type Meta } from '../control/meta'
import { littleEndian, walkControl, type Control } from '../control/walk'
import { FdHandle } from './fd'
import { ErrorRecordDecoder, type ErrorMessage, type ErrorRecord } from '../errqueue/record'
import { addresses, platform } from '../host'
import { native } from '../binding/binding'
import { constants, SCM_RIGHTS, SOL_SOCKET } from '../constants'
import { append } from '../runtime/list'

const { SCM_PIDFD } = constants
const FD_SIZE = 4

export const controlLayout = new ControlLayout(platform)

const decoder = new MetaDecoder(platform, addresses)
const errors = new ErrorRecordDecoder(platform, addresses, decoder)

/** Decodes control messages. `codec` decodes the addresses of the socket's network namespace. */
export function metaOf(controls: readonly Control[], codec = addresses): Meta {
  return decoder.decode(controls, codec)
}

/** Decodes one message of the error queue. */
export function decodeError(message: ErrorMessage, codec = addresses): ErrorRecord {
  return errors.decode(message, codec)
}

/** The contents of a control buffer, with the descriptors separated from it. */
export interface ReceivedControl {
  control: Control[]
  fds: FdHandle[] | null
  /** True if more descriptors came than the caller wanted. The surplus has been closed. */
  surplus: boolean
  /** A pidfd of the sending process, if the caller wanted it and the kernel sent it. */
  pidfd: FdHandle | null
}

/**
 * Reads a control buffer. The kernel has already installed every descriptor in it into this process. Up to `wanted`
 * descriptors of SCM_RIGHTS become FdHandles, and so does a wanted SCM_PIDFD. All others are closed, also if this
 * function throws. With `null` the caller does not ask for descriptors.
 */
export function receiveControl(
  bytes: Uint8Array,
  length: number,
  wanted: number | null,
  pidfdWanted = false,
): ReceivedControl {
  const none = { control: [], fds: wanted === null ? null : [], surplus: false, pidfd: null }
  if (length === 0) return none
  const control: Control[] = []
  const rights: number[] = []
  const pidfds: number[] = []
  const messages = walkControl(controlLayout, bytes, length)
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!
    const numbers = message.level !== SOL_SOCKET ? null : listOf(message.type, rights, pidfds)
    if (numbers === null) append(control, message)
    else readNumbers(message.data, numbers)
  }
  if (rights.length === 0 && pidfds.length === 0) return { ...none, control }
  return { control, ...claim(rights, wanted, pidfds, pidfdWanted ? 1 : 0) }
}

/** True if a control buffer holds descriptors, which the kernel has already installed into this process. */
export function carriesFds(bytes: Uint8Array, length: number): boolean {
  return walkControl(controlLayout, bytes, length).some(
    ({ level, type }) => level === SOL_SOCKET && (type === SCM_RIGHTS || type === SCM_PIDFD),
  )
}

function listOf(type: number, rights: number[], pidfds: number[]): number[] | null {
  return type === SCM_RIGHTS ? rights : type === SCM_PIDFD ? pidfds : null
}

// Ignores an incomplete number at the end, and negative numbers: the kernel sends one if it cannot create a pidfd.
function readNumbers(data: Buffer, numbers: number[]): void {
  for (let at = 0; at + FD_SIZE <= data.length; at += FD_SIZE) {
    // uncovered: only on a big-endian machine
    const fd = littleEndian ? data.readInt32LE(at) : data.readInt32BE(at)
    if (fd >= 0) append(numbers, fd)
  }
}

/** Makes handles of up to `max` descriptors, and puts −1 in the places of these. */
function take(fds: number[], max: number, handles: FdHandle[]): void {
  for (let i = 0; i < fds.length && i < max; i++) {
    const fd = fds[i]!
    fds[i] = -1
    append(handles, new FdHandle(fd)) // closes the descriptor if it throws
  }
}

function claim(
  rights: number[],
  wanted: number | null,
  pidfds: number[],
  pidfdsWanted: number,
): Omit<ReceivedControl, 'control'> {
  const max = wanted ?? 0
  const taken: FdHandle[] = []
  const takenPidfds: FdHandle[] = []
  try {
    take(rights, max, taken)
    take(pidfds, pidfdsWanted, takenPidfds)
  } catch (error) {
    for (let i = 0; i < taken.length; i++) taken[i]!.close()
    throw error
  } finally {
    for (let i = 0; i < rights.length; i++) if (rights[i]! >= 0) native.closeFd(rights[i]!)
    for (let i = 0; i < pidfds.length; i++) if (pidfds[i]! >= 0) native.closeFd(pidfds[i]!)
  }
  return {
    fds: wanted === null ? null : taken,
    surplus: wanted !== null && rights.length > wanted,
    pidfd: takenPidfds.length > 0 ? takenPidfds[0]! : null,
  }
}
