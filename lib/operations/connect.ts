import { native } from '../binding/binding'
import { type Memory, DIRECT } from '../binding/memory'
import { ACCEPT, READ, READ_OPCODE, SLOT_STRIDE, STATE_SLOT, WRITE } from '../binding/shared'
import { SO_ERROR, SOL_SOCKET } from '../constants'
import { SocketError, systemError } from '../errors'
import { EAGAIN, EALREADY, EINPROGRESS, EINTR, ENOTCONN } from '../errors/errno'
import { platform } from '../host'
import { packAddress, reactor, type PackedAddress } from '../reactor'
import { Channel } from '../reactor/channel'
import { Operation } from '../reactor/operation'

const number = new Int32Array(1)
/** An address of AF_UNSPEC: connect(2) with it ends an attempt, and never starts one. */
const unspecified = new Uint8Array(16)

/** Starts to connect, then waits for the outcome. connect(2) */
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
    const { extras } = this.channel
    if (extras !== null) extras.connectError = null
    const result = native.connect(this.channel.id, this.address)
    // EALREADY: an earlier connect timed out, and the kernel still continues the attempt.
    // AF_VSOCK before Linux 6.18 stays in the connecting state after a failure, and no event would come.
    if (result === EALREADY && extras?.connectFailed === true) return result
    if (result !== EINPROGRESS && result !== EINTR && result !== EALREADY) return result
    if (extras !== null) extras.connectFailed = false
    this.#started = true
    return EAGAIN
  }

  #outcome(): number {
    const result = native.getsockopt(this.channel.id, SOL_SOCKET, SO_ERROR, number)
    if (result < 0) return result
    if (number[0] !== 0) {
      const error = -number[0]!
      this.channel.ensureExtras().connectFailed = true
      // Linux keeps a failed TCP socket in the connecting state, and the next connect(2) would fail with ECONNABORTED.
      // uncovered: the other branch is for another system
      if (platform.os === 'linux') native.connect(this.channel.id, unspecified)
      return error
    }
    // A wake-up does not mean that the socket is connected. Only a peer address proves it.
    if (native.getpeername(this.channel.id) === ENOTCONN) return EAGAIN
    // Linux keeps the socket in the connecting state until the next connect(2). Without this call, a later connect
    // to any address would return success without connecting.
    native.connect(this.channel.id, this.address)
    return 0
  }

  value(): void {}

  /** True if connect(2) was called. Such a call cannot be undone. */
  get started(): boolean {
    return this.#started
  }

  /** Also calls `tell` when the operation settles: without an error if the socket is connected. */
  observe(tell: (error?: Error) => void): void {
    const { resolve, reject } = this
    this.resolve = value => {
      resolve(value)
      tell()
    }
    this.reject = error => {
      reject(error)
      tell(error as Error)
    }
  }

  failure(result: number): Error {
    const errno = result === EAGAIN && this.#started ? EINPROGRESS : result
    const address = this.channel.network.addresses.decode(this.address)
    const error = systemError('connect', errno, { address })
    if (errno === result) this.channel.ensureExtras().connectError = error
    return error
  }

  /** If the AF_UNIX backlog is full, connect(2) returns EAGAIN and poll(2) reports a hang-up at once. */
  override get spurious(): boolean {
    return !this.#started
  }
}

/** Returns the positive errno of a failed connect, and throws any other error again. */
export function connectResult(error: unknown): number {
  if (error instanceof SocketError) {
    if (error.code === 'ERR_SOCKET_TIMEOUT') return -EAGAIN
    if (error.errno !== undefined && error.syscall === 'connect') return -error.errno
  }
  throw error
}

/** Accepts a connection and returns what `make` builds from it and the packed address of the peer. accept(2) */
export class Accept<T> extends Operation<T> {
  constructor(
    private readonly channel: Channel,
    private readonly make: (channel: Channel, peer: PackedAddress) => T,
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
    const channel = new Channel(memory.idAt(index), fd)
    channel.enter(this.channel.network)
    const lowWater = this.channel.extras?.lowWater ?? 1
    if (lowWater > 1) channel.ensureExtras().lowWater = lowWater // the kernel copies the option too
    try {
      return this.make(channel, packAddress(address, addressLength))
    } catch (error) {
      reactor.close(channel)
      throw error
    }
  }

  failure(result: number): Error {
    return systemError('accept', result)
  }

  override arm(memory: Memory, index: number): void {
    memory.table[index * SLOT_STRIDE + READ_OPCODE] = ACCEPT
  }
}
