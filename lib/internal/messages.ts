import { ControlLayout } from '../control/layout'
import { MetaDecoder, type Meta } from '../control/meta'
import { littleEndian, walkControl, type Control } from '../control/walk'
import { FdHandle } from '../fd'
import { native, platform } from './environment'

const constants = platform.constants
const SOL_SOCKET = constants.SOL_SOCKET!
const SCM_RIGHTS = constants.SCM_RIGHTS!
const SCM_PIDFD = constants.SCM_PIDFD
const FD_SIZE = 4

export const messageFlags = { MSG_TRUNC: constants.MSG_TRUNC!, MSG_CTRUNC: constants.MSG_CTRUNC! }
export const controlLayout = new ControlLayout(platform)

const decoder = new MetaDecoder(platform)

export function metaOf(controls: readonly Control[]): Meta {
  return decoder.decode(controls)
}

/** What a control buffer held, with its descriptors taken out of it. */
export interface ReceivedControl {
  control: Control[]
  fds: FdHandle[] | null
  /** Descriptors were closed since there were more than the caller wanted. */
  surplus: boolean
}

/**
 * Reads a control buffer. Every descriptor in it is this process's now, whoever asked: up to `wanted`
 * of them become FdHandles, the others are closed, also when something in here fails.
 */
export function receiveControl(bytes: Uint8Array, length: number, wanted: number): ReceivedControl {
  if (length === 0) return { control: [], fds: wanted > 0 ? [] : null, surplus: false }
  const walked = walkControl(controlLayout, bytes, length)
  const control: Control[] = []
  const numbers: number[] = []
  for (const message of walked) {
    const rights = message.level === SOL_SOCKET && message.type === SCM_RIGHTS
    const pidfd = message.level === SOL_SOCKET && message.type === SCM_PIDFD
    if (!rights && !pidfd) {
      control.push(message)
      continue
    }
    // A part of a number at the end is none.
    for (let at = 0; at + FD_SIZE <= message.data.length; at += FD_SIZE) {
      numbers.push(
        new DataView(message.data.buffer, message.data.byteOffset + at, FD_SIZE).getInt32(0, littleEndian),
      )
    }
  }
  return { control, ...claim(numbers, wanted) }
}

function claim(numbers: number[], wanted: number): { fds: FdHandle[] | null; surplus: boolean } {
  const handles: FdHandle[] = []
  let next = 0
  try {
    while (next < numbers.length && next < wanted) {
      const fd = numbers[next++]!
      if (fd >= 0) handles.push(new FdHandle(fd))
    }
  } catch (error) {
    for (const handle of handles) handle.close()
    throw error
  } finally {
    for (let i = next; i < numbers.length; i++) if (numbers[i]! >= 0) native.closeFd(numbers[i]!)
  }
  return { fds: wanted > 0 ? handles : null, surplus: wanted > 0 && numbers.length > wanted }
}
