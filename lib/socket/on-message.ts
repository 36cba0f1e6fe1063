import type { Address } from '../address'
import { AF_UNIX, nameOf, SOCK_SEQPACKET, SOCK_STREAM } from '../constants'
import { closed, invalidType, systemError } from '../errors'
import { errnoOf } from '../errors/errno'
import type { Message } from '../message'
import { MessageLoop } from '../operations/message-loop'
import { nextMessages } from '../operations/next-message'
import { reactor } from '../reactor'
import { inContext } from '../runtime/context'
import { checkOptions, checkSignal } from '../validators'
import { checkInteger } from '../errors/argument'
import type { BaseSocket } from './base'
import { isOwnEnd } from './iteration'

/** The options of `onMessage`. */
export interface OnMessageOptions {
  /** The maximum number of bytes in one message. Default 65536. A longer message is `truncated`. */
  size?: number | undefined
  /** What happens to received descriptors: `'receive'` puts them into `meta.fds`; `'close'`, the default, closes them. */
  fds?: 'receive' | 'close' | undefined
  /**
   * Called with each error of recvmsg(2), such as `ECONNREFUSED` after an ICMP message. Default: an uncaught exception,
   * as with an `'error'` event that has no listener.
   */
  onError?: ((error: Error) => void) | undefined
  /** If aborted, stops as `stop()` does. */
  signal?: AbortSignal | undefined
}

const FIELDS = ['size', 'fds', 'onError', 'signal'] satisfies (keyof OnMessageOptions)[]
const SIZE = 65536
const MAX_SIZE = 1 << 24

/** The reason of an operation that `stop()` cancels. */
const stopped = new Error('stopped')

/** Receives messages for a listener until it is stopped. Returned by `onMessage`. */
export class Reception implements Disposable {
  readonly #socket: BaseSocket
  readonly #loop: MessageLoop<Address>

  /** @internal */
  constructor(socket: BaseSocket, loop: MessageLoop<Address>) {
    this.#socket = socket
    this.#loop = loop
  }

  /** True between `pause()` and `resume()`. */
  get paused(): boolean {
    return this.#loop.paused
  }

  /** True after `stop()`, after the socket was closed, and after an error that ended the reception. */
  get stopped(): boolean {
    return this.#loop.ended
  }

  /**
   * Stops calling the listener until `resume()`. Messages stay in the receive buffer of the socket, except for up to 63
   * that this process has already received.
   */
  pause(): this {
    this.#loop.pause()
    return this
  }

  /** Calls the listener again, first with the messages that arrived meanwhile. */
  resume(): this {
    this.#loop.resume()
    return this
  }

  /** Ends the reception. The socket stays open, and other receives get the messages that are left. */
  stop(): void {
    reactor.cancel(this.#socket.channel, this.#loop, stopped)
  }

  /** Calls `stop()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.stop()
  }
}

/** Implements Socket.onMessage. */
export function onMessage<A extends Address>(
  socket: BaseSocket<A>,
  listener: (message: Message<A>) => void,
  given?: OnMessageOptions,
): Reception {
  if (typeof listener !== 'function') throw invalidType('listener', 'function', listener)
  const options = checkOptions('options', given, FIELDS)
  const { size = SIZE, fds = 'close', onError } = options
  checkInteger('options.size', size, 0, MAX_SIZE)
  if (fds !== 'receive' && fds !== 'close') throw invalidType('options.fds', "'receive' or 'close'", fds)
  if (onError !== undefined && typeof onError !== 'function')
    throw invalidType('options.onError', 'function', onError)
  const signal = checkSignal('options.signal', options.signal)
  checkDatagrams(socket, 'onMessage')
  const fail = onError ?? uncaught
  const maxFds = fds === 'receive' && socket.family === AF_UNIX ? Infinity : null
  const here = inContext((run: () => void) => run())
  const { channel, family, type } = socket
  const defaults = { flags: 0, batch: undefined, controlSize: undefined }
  const source = nextMessages<A>({ ...defaults, channel, family, type, size, maxFds })()
  const loop = new MessageLoop<A>(channel, source, { message: listener, error: fail }, here)
  const ends = (error: Error): void => {
    if (error === stopped || error.name === 'AbortError' || loop.failed === error || isOwnEnd(socket, error))
      return
    loop.report(error)
  }
  reactor.submit(channel, loop, null, signal).catch(ends)
  return new Reception(socket, loop)
}

function uncaught(error: Error): never {
  throw error
}

/** Throws `EOPNOTSUPP` for a socket with connections: its messages have no sender, and the stream has an end. */
export function checkDatagrams(socket: BaseSocket, call: string): void {
  if (socket.closed) throw closed(call)
  const { type } = socket
  if (type !== SOCK_STREAM && type !== SOCK_SEQPACKET) return
  throw systemError(call, errnoOf('EOPNOTSUPP'), {
    subject: `${nameOf('SOCK_', type)} has connections: use messages(), serve() or toDuplex()`,
  })
}
