import { checkBatch, type MessageBatch } from '../batch'
import { invalidType } from '../errors'
import { Recvmmsg, Sendmmsg } from '../ops/batch'
import { Sendfile, type SendfileDriver } from '../ops/file'
import { AF_UNIX } from '../constants'
import { isUnixDatagram, type FileLike } from './base'
import { reactor } from './environment'
import { OperationSocket } from './operations'
import { checkFd, checkFlags, checkInteger, type Op } from './validate'

/** Options of sendfile. */
export interface SendfileOptions extends Op {
  /** Where in the file to begin, in bytes. Default 0; the file's own position is neither used nor moved. */
  offset?: number | undefined
  /** How many bytes to send at most. Default: up to the end of the file. */
  length?: number | undefined
  /** Called with the bytes sent so far and the bytes to send, after each chunk. */
  onProgress?: ((sent: number, total: number) => void) | undefined
}

/**
 * The definitions and `tryX` forms of what moves much at once: batches of messages, files, and what the kernel
 * moves without copying.
 */
export abstract class TransferSocket extends OperationSocket {
  // --- definitions ---

  protected recvmmsgOperation(batch: MessageBatch, flags: number): Recvmmsg {
    return new Recvmmsg(this.channel, checkBatch(batch), flags, this.family === AF_UNIX)
  }

  protected sendmmsgOperation(batch: MessageBatch, flags: number, now: boolean): Sendmmsg {
    checkBatch(batch).prepare(this.family)
    return new Sendmmsg(this.channel, batch, flags, isUnixDatagram(this), now)
  }

  protected sendfileOperation(file: FileLike, options: SendfileOptions, driver: SendfileDriver): Sendfile {
    if (typeof options !== 'object' || options === null) throw invalidType('options', 'object', options)
    const { offset = 0, length, onProgress } = options
    const range = {
      offset: checkInteger('options.offset', offset, 0, Number.MAX_SAFE_INTEGER),
      length:
        length === undefined ? length : checkInteger('options.length', length, 0, Number.MAX_SAFE_INTEGER),
      onProgress,
    }
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw invalidType('options.onProgress', 'function', onProgress)
    }
    return new Sendfile(this.channel, checkFd('file', file), range, driver)
  }

  // --- now or never ---

  /** recvmmsg(2), now or never: the number of messages, or `null`. */
  tryRecvmmsg(batch: MessageBatch, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.recvmmsgOperation(batch, checkFlags(flags)))
  }

  /** sendmmsg(2), now or never: how many messages could be sent, or `null` for none. */
  trySendmmsg(batch: MessageBatch, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendmmsgOperation(batch, checkFlags(flags), true))
  }

  /** sendfile(2), now or never: what could be sent without waiting for the peer or a disk, or `null`. */
  trySendfile(file: FileLike, options: SendfileOptions = {}): number | null {
    return reactor.attemptNow(this.channel, this.sendfileOperation(file, options, 'now'))
  }
}
