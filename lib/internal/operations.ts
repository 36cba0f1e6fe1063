import type { Address, AddressLike } from '../address'
import { invalidType } from '../errors'
import { Accept, Connect } from '../ops/connect'
import { Sendfile, type SendfileDriver } from '../ops/file'
import { Ready } from '../ops/ready'
import { Recv, Recvfrom, RecvfromInto, RecvInto } from '../ops/receive'
import { Send, SendAll, Sendto } from '../ops/send'
import { Adoption, BaseSocket, isStream, isUnixDatagram, type FileLike } from './base'
import { addresses, reactor } from './environment'
import type { Channel } from './reactor'
import { READ, WRITE } from './shared'
import { checkBytes, checkFd, checkFlags, checkInteger, checkSize, type Op } from './validate'

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
 * One definition of each operation, checked and ready to run, and its `tryX` form: the value, or `null`
 * when it would block or when somebody already waits in the same direction. The two Socket classes
 * run the same definitions with drivers that wait.
 */
export abstract class OperationSocket extends BaseSocket {
  /** Makes a socket of the same flavour from an accepted connection. */
  protected abstract fromAdoption(adoption: Adoption): this

  // --- definitions ---

  protected recvOperation(size: number, flags: number): Recv {
    return new Recv(this.channel, flags, checkSize('size', size))
  }

  protected recvIntoOperation(buffer: ArrayBufferView, flags: number): RecvInto {
    return new RecvInto(this.channel, flags, checkBytes('buffer', buffer))
  }

  protected recvfromOperation(size: number, flags: number): Recvfrom {
    return new Recvfrom(this.channel, flags, checkSize('size', size))
  }

  protected recvfromIntoOperation(buffer: ArrayBufferView, flags: number): RecvfromInto {
    return new RecvfromInto(this.channel, flags, checkBytes('buffer', buffer))
  }

  protected sendOperation(data: ArrayBufferView, flags: number): Send {
    return new Send(this.channel, checkBytes('data', data), flags)
  }

  protected sendAllOperation(data: ArrayBufferView, flags: number): SendAll {
    return new SendAll(this.channel, checkBytes('data', data), flags, isStream(this))
  }

  protected sendtoOperation(data: ArrayBufferView, address: AddressLike, flags: number): Sendto {
    const bytes = checkBytes('data', data)
    return new Sendto(this.channel, bytes, flags, addresses.encode(address, this.family), isUnixDatagram(this))
  }

  protected connectOperation(address: AddressLike): Connect {
    return new Connect(this.channel, addresses.encode(address, this.family))
  }

  protected acceptOperation(): Accept<this> {
    return new Accept(this.channel, (channel: Channel, peer: Address | null) =>
      this.fromAdoption(new Adoption(channel, this.family, this.type, this.protocol, peer)),
    )
  }

  protected readyOperation(direction: typeof READ | typeof WRITE): Ready {
    return new Ready(this.channel, direction)
  }

  protected sendfileOperation(file: FileLike, options: SendfileOptions, driver: SendfileDriver): Sendfile {
    if (typeof options !== 'object' || options === null) throw invalidType('options', 'object', options)
    const { offset = 0, length, onProgress } = options
    const range = {
      offset: checkInteger('options.offset', offset, 0, Number.MAX_SAFE_INTEGER),
      length: length === undefined ? length : checkInteger('options.length', length, 0, Number.MAX_SAFE_INTEGER),
      onProgress,
    }
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw invalidType('options.onProgress', 'function', onProgress)
    }
    return new Sendfile(this.channel, checkFd('file', file), range, driver)
  }

  // --- now or never ---

  /** recv(2), now or never: bytes, an empty Buffer at the end of the stream, or `null`. */
  tryRecv(size: number, flags = 0): Buffer | null {
    return reactor.attemptNow(this.channel, this.recvOperation(size, checkFlags(flags)))
  }

  /** recv(2) into your buffer, now or never: the number of bytes, or `null`. */
  tryRecvInto(buffer: ArrayBufferView, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.recvIntoOperation(buffer, checkFlags(flags)))
  }

  /** recvfrom(2), now or never. */
  tryRecvfrom(size: number, flags = 0): { data: Buffer; address: Address | null } | null {
    return reactor.attemptNow(this.channel, this.recvfromOperation(size, checkFlags(flags)))
  }

  /** recvfrom(2) into your buffer, now or never. */
  tryRecvfromInto(buffer: ArrayBufferView, flags = 0): { bytes: number; address: Address | null } | null {
    return reactor.attemptNow(this.channel, this.recvfromIntoOperation(buffer, checkFlags(flags)))
  }

  /** send(2), now or never: the number of bytes taken, or `null`. */
  trySend(data: ArrayBufferView, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendOperation(data, checkFlags(flags)))
  }

  /**
   * Everything at once: `true`, or `null` when nothing could be sent. When only a part was taken it
   * throws `EAGAIN` with `bytesSent`, since that part is on its way.
   */
  trySendAll(data: ArrayBufferView, flags = 0): true | null {
    const operation = this.sendAllOperation(data, checkFlags(flags))
    return reactor.attemptNow(this.channel, operation) === null ? operation.nothingSent() : true
  }

  /** sendto(2), now or never: the number of bytes, or `null`. */
  trySendto(data: ArrayBufferView, address: AddressLike, flags = 0): number | null {
    return reactor.attemptNow(this.channel, this.sendtoOperation(data, address, checkFlags(flags)))
  }

  /** accept(2), now or never: a socket, or `null` when nobody waits. */
  tryAccept(): this | null {
    return reactor.attemptNow(this.channel, this.acceptOperation())
  }

  /** connect(2), now or never: `true` when connected, `null` while it is on its way (wait with `writable()`). */
  tryConnect(address: AddressLike): true | null {
    return reactor.attemptNow(this.channel, this.connectOperation(address)) === null ? null : true
  }

  /** sendfile(2), now or never: what could be sent without waiting for the peer or a disk, or `null`. */
  trySendfile(file: FileLike, options: SendfileOptions = {}): number | null {
    return reactor.attemptNow(this.channel, this.sendfileOperation(file, options, 'now'))
  }
}
