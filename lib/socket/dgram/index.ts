import { AF_INET, AF_INET6, AF_UNIX, nameOf, SOCK_DGRAM } from '../../constants'
import { closed, invalidType } from '../../errors'
import { checkOptions, checkSignal } from '../../validators'
import type { BaseSocket } from '../base'
import { checkDatagrams } from '../on-message'
import type { LookupFunction } from './base'
import { DgramSocket } from './socket'

/** The options of `toDgram`. */
export interface DgramOptions {
  /** Closes the socket when it fires. */
  signal?: AbortSignal | undefined
  /** Looks up host names, instead of dns.lookup. */
  lookup?: LookupFunction | undefined
}

/** Implements Socket.toDgram. */
export function toDgram(
  socket: BaseSocket,
  adopt: (fd: number) => BaseSocket,
  given?: DgramOptions,
): DgramSocket {
  const options = checkOptions('options', given, ['signal', 'lookup'])
  const { lookup } = options
  const signal = checkSignal('options.signal', options.signal)
  if (lookup !== undefined && typeof lookup !== 'function')
    throw invalidType('options.lookup', 'function', lookup)
  checkDatagrams(socket, 'toDgram')
  const { family, type } = socket
  const version = type !== SOCK_DGRAM ? 0 : family === AF_INET ? 4 : family === AF_INET6 ? 6 : 0
  const name = version !== 0 ? `udp${version}` : family === AF_UNIX ? 'unix' : nameOf('AF_', family)
  const open = (): never => {
    throw closed('toDgram')
  }
  const prepare = (): void => undefined
  const noBlockLists = { sendBlockList: undefined, receiveBlockList: undefined }
  return new DgramSocket(
    { ...noBlockLists, type: name, version, open, adopt, prepare, lookup, signal },
    socket,
  )
}
