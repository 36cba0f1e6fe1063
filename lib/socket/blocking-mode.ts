import { native } from '../binding/binding'
import { F_GETFL, F_SETFL, O_NONBLOCK } from '../constants'
import { closed, systemError } from '../errors'
import type { Channel } from '../reactor/channel'
import { checkOptions } from '../validators'
import { checkBoolean } from '../errors/argument'

/** Describes the options of `detach`. */
export interface DetachOptions {
  /** `true` clears O_NONBLOCK, for a program that expects a blocking descriptor. Default `false`. */
  blocking?: boolean | undefined
}

/** Checks the options of `detach` and returns `blocking`. */
export function checkDetach(options: DetachOptions | undefined): boolean {
  const { blocking = false } = checkOptions('options', options, ['blocking'])
  return checkBoolean('options.blocking', blocking)
}

/** Clears or sets O_NONBLOCK of the open file. fcntl(2) */
export function setBlocking(channel: Channel, on: boolean): void {
  if (channel.fd < 0) throw closed('fcntl')
  const flags = native.fcntl(channel.id, F_GETFL, 0)
  const wanted = on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
  const result = flags < 0 || flags === wanted ? flags : native.fcntl(channel.id, F_SETFL, wanted)
  if (result < 0) throw systemError('fcntl', result)
}
