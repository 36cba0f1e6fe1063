import type { Address } from '../address'
import { native } from '../binding/binding'
import { type Memory, DIRECT } from '../binding/memory'
import { ACCEPT, READ, READ_OPCODE, SLOT_STRIDE, STATE_SLOT, WRITE } from '../binding/shared'
import { systemError } from '../errors'
import { EAGAIN, EALREADY, EINPROGRESS, EINTR, ENOTCONN } from '../errors/errno'
import { addresses } from '../host'
import { reactor, readAddress } from '../reactor'
import { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'

const SOL_SOCKET = native.constants.SOL_SOCKET!
const SO_ERROR = native.constants.SO_ERROR!
const number = new Int32Array(1)
const size = new Int32Array(1)

/** connect(2): once, and then the wait for its outcome. It cannot be called again to ask. */
export class Connect extends Operation<void> {
  #started = false

  constructor(
    private readonly channel: Channel,
    private readonly address: Uint8Array,
  ) {
    super()
  }

  get direction(): typeof WRITE {
    return WRITE
  }

  get syscall(): string {
    return 'connect'
  }

  attempt(): number {
    if (this.#started) return this.#outcome()
    const result = native.connect(this.channel.id, this.address)
    // EALREADY: an earlier connect, whose time ran out, is still on its way.
    if (result !== EINPROGRESS && result !== EINTR && result !== EALREADY) return result
    this.#started = true
    return EAGAIN
  }

  #outcome(): number {
    size[0] = 4
    const result = native.getsockopt(this.channel.id, SOL_SOCKET, SO_ERROR, number, size)
    if (result < 0) return result
    if (number[0] !== 0) return -number[0]!
    // A wake-up is no proof: only a peer is.
    if (native.getpeername(this.channel.id) === ENOTCONN) return EAGAIN
    // Linux keeps the socket as 'connecting' until it is asked once more, and would tell the next connect,
    // to whatever address, that it had succeeded.
    native.connect(this.channel.id, this.address)
    return 0
  }

  value(): void {}

  /** Whether connect(2) has been called, which cannot be taken back. */
  get started(): boolean {
    return this.#started
  }

  failure(result: number): Error {
    const errno = result === EAGAIN && this.#started ? EINPROGRESS : result
    return systemError('connect', errno, { address: addresses.decode(this.address) })
  }

  /** A full AF_UNIX backlog is EAGAIN, and poll reports a hang-up at once. */
  override get spurious(): boolean {
    return !this.#started
  }
}

/** accept(2) → what `make` builds from the new connection. */
export class Accept<T> extends Operation<T> {
  constructor(
    private readonly channel: Channel,
    private readonly make: (channel: Channel, peer: Address | null) => T,
  ) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return 'accept'
  }

  attempt(): number {
    reactor.makeRoom()
    return native.accept(this.channel.id)
  }

  value(fd: number, where: number, address: number, addressLength: number): T {
    const { memory } = reactor
    const index = address === DIRECT ? memory.state[STATE_SLOT]! : where
    return this.make(new Channel(memory.idAt(index), fd), readAddress(address, addressLength))
  }

  failure(result: number): Error {
    return systemError('accept', result)
  }

  override arm(memory: Memory, index: number): void {
    memory.table[index * SLOT_STRIDE + READ_OPCODE] = ACCEPT
  }
}
