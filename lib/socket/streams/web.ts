import {
  ReadableStream,
  WritableStream,
  type ReadableByteStreamController,
  type UnderlyingByteSource,
  type UnderlyingSource,
  type UnderlyingSink,
} from 'node:stream/web'
import { SHUT_RD, SHUT_WR, SOCK_DGRAM } from '../../constants'
import type { SocketError } from '../../errors'
import { Recv, RecvInto } from '../../operations/receive'
import { reactor } from '../../reactor'
import type { Operation } from '../../reactor/operation'
import { ownFields } from '../../runtime/fields'
import { isAborted } from '../../runtime/signals'
import { byteLengthOf } from '../../struct'
import { checkOptions, checkSize } from '../../validators'
import { isStream } from '../base'
import { hasEnded } from '../iteration'
import { checkConnected } from './duplex'
import type { Source } from './source'

/** Describes the options of `toWeb`. */
export interface WebOptions {
  /**
   * The maximum number of bytes per receive if the reader provides no buffer. A longer message is truncated.
   * Default 65536.
   */
  size?: number | undefined
}

/** Holds the two sides of a connection as Web Streams. */
export interface WebStreams {
  /**
   * On a stream socket a byte stream: `getReader({ mode: 'byob' })` reads into your memory. Else one chunk per
   * message.
   */
  readable: ReadableStream<Uint8Array>
  /** Accepts any ArrayBufferView. */
  writable: WritableStream<ArrayBufferView>
}

const SIZE = 65536

/** The state that both sides share. Closes the socket when both have ended. */
class Halves {
  readonly #leaving = new AbortController()
  #open = 2

  constructor(readonly socket: Source) {}

  /** True when the reader has cancelled. */
  get left(): boolean {
    return isAborted(this.#leaving.signal)
  }

  submit<T>(receive: Operation<T>): Promise<T> {
    return reactor.submit(this.socket.channel, receive, null, this.#leaving.signal)
  }

  /** Called when the reader cancels: ends the waiting receive. The socket stays open for the writer. */
  leave(): void {
    this.#leaving.abort()
    this.shutdown(SHUT_RD)
  }

  shutdown(how: number): void {
    if (--this.#open === 0) return this.socket.close()
    if (this.socket.closed || this.socket.type === SOCK_DGRAM) return
    try {
      this.socket.shutdown(how)
    } catch (error) {
      if ((error as SocketError).code !== 'ENOTCONN') throw error // the peer has already closed
    }
  }
}

/** Returns Web Streams that own a socket. They close it when both have ended, when one fails, and on abort. */
export function toWebStreams(socket: Source, options?: WebOptions): WebStreams {
  const given = checkOptions('options', options, ['size'])
  const size = given.size === undefined ? SIZE : checkSize('options.size', given.size) || 1
  checkConnected(socket, 'toWeb')
  const halves = new Halves(socket)
  return {
    readable: isStream(socket) ? byteStream(halves, size) : messageStream(halves, size),
    writable: writableStream(halves),
  }
}

function byteStream(halves: Halves, size: number): ReadableStream<Uint8Array> {
  const { socket } = halves
  // Node.js reads more fields than these, so the object must inherit nothing.
  const source: UnderlyingByteSource = ownFields({
    type: 'bytes' as const,
    autoAllocateChunkSize: size,
    async pull(controller: ReadableByteStreamController) {
      const request = controller.byobRequest!
      const bytes = await receiving(halves, () =>
        halves.submit(new RecvInto(socket.channel, 0, request.view!)),
      )
      if (bytes === null) return
      if (bytes === 0) {
        controller.close()
        halves.shutdown(SHUT_RD)
      }
      request.respond(bytes)
    },
    cancel: () => halves.leave(),
  })
  return new ReadableStream(source)
}

function messageStream(halves: Halves, size: number): ReadableStream<Uint8Array> {
  const { socket } = halves
  return new ReadableStream<Uint8Array>(
    ownFields<UnderlyingSource<Uint8Array>>({
      async pull(controller) {
        const data = await receiving(halves, () => halves.submit(new Recv(socket.channel, 0, size)))
        if (data === null) return
        if (data.length > 0 || !hasEnded(socket)) return controller.enqueue(data)
        controller.close()
        halves.shutdown(SHUT_RD)
      },
      cancel: () => halves.leave(),
    }),
    ownFields({ highWaterMark: 0 }),
  )
}

/** Returns the result, or null if the reader has cancelled. Any other failure closes the socket for both sides. */
async function receiving<T>(halves: Halves, receive: () => Promise<T>): Promise<T | null> {
  try {
    return await receive()
  } catch (error) {
    if (halves.left) return null
    halves.socket.close()
    throw error
  }
}

function writableStream(halves: Halves): WritableStream<ArrayBufferView> {
  const { socket } = halves
  const sink = ownFields<UnderlyingSink<ArrayBufferView>>({
    async write(chunk) {
      if (isStream(socket) && ArrayBuffer.isView(chunk) && byteLengthOf(chunk) === 0) return
      try {
        await socket.sendAll(chunk, { timeout: null })
      } catch (error) {
        socket.close()
        throw error
      }
    },
    close: () => halves.shutdown(SHUT_WR),
    abort: () => socket.close(),
  })
  return new WritableStream(sink)
}
