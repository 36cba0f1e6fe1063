import { ControlBuilder } from '../control/build'
import { controlLayout } from './receive-control'
import { platform } from '../host'
import { interfaces } from '../binding/interface-lookup'
import { checkInteger } from '../errors/argument'

const MAX_LENGTH = 0x7fffffff // a C int, as in other bindings of CMSG_SPACE

/** Builds control messages for `sendmsg`: `control.rights(fds)`, `control.packetInfo({ source })` and so on. */
export const control = new ControlBuilder(platform, interfaces)

/** Returns the length of a control message with `size` bytes of data, without padding at the end. CMSG_LEN(3) */
export function CMSG_LEN(size: number): number {
  return controlLayout.length(checkInteger('size', size, 0, MAX_LENGTH - controlLayout.header))
}

/** Returns the bytes that a control message with `size` bytes of data takes in a control buffer. CMSG_SPACE(3) */
export function CMSG_SPACE(size: number): number {
  const { header, alignment } = controlLayout
  const max = Math.floor((MAX_LENGTH - header) / alignment) * alignment
  return controlLayout.space(checkInteger('size', size, 0, max))
}
