import type { PacketAddress } from '../address'
import { walkControl } from '../control/walk'
import { systemError } from '../errors'
import { native } from '../binding/binding'
import { platform } from '../host'
import { reactor, readAddress } from '../reactor'
import { EAGAIN } from '../errors/errno'
import { DIRECT } from '../binding/memory'
import { controlLayout, metaOf } from '../message/receive-control'
import { Operation } from '../reactor/operation'
import type { Channel } from '../reactor/channel'
import { READ, STATE_ADDRESS, STATE_CONTROL } from '../binding/shared'
import { AuxdataCodec, makeFrame, restore, type Frame } from './frame'

/** The longest frame: what the kernel puts together (GRO, GSO) is longer than any on a wire. */
const MAX_LENGTH = 1 << 18
/** How many frames are taken at once, so that a busy interface starves nobody. */
const BATCH = 32

const auxdata = AuxdataCodec.create(platform)
const SOL_PACKET = platform.constants.SOL_PACKET
const PACKET_AUXDATA = platform.constants.PACKET_AUXDATA
const MSG_TRUNC = platform.constants.MSG_TRUNC!

// One for all, made when the first frame is wanted: everything is copied out before anybody else receives.
let scratch: Buffer | null = null
const control = new Uint8Array(256)

/** How one packet socket receives. */
export interface Reader {
  /** The system call's name, for errors. */
  readonly syscall: string
  /** A failure that was met behind frames: it is told once these are delivered. */
  errno: number
  /** Receives one frame: a frame, or −errno. */
  receive(): Frame | number
}

/** One recvmsg(2) for each frame. */
export class FrameReader implements Reader {
  readonly syscall = 'recvmsg'
  errno = 0

  constructor(
    readonly channel: Channel,
    readonly cooked: boolean,
  ) {}

  receive(): Frame | number {
    scratch ??= Buffer.allocUnsafeSlow(MAX_LENGTH)
    // With MSG_TRUNC the result is the length of the frame, whatever there was room for.
    const result = native.recvmsg(this.channel.id, [scratch], control, MSG_TRUNC)
    return result < 0 ? result : this.#frame(scratch.subarray(0, Math.min(result, MAX_LENGTH)), result)
  }

  #frame(bytes: Uint8Array, received: number): Frame {
    const { state } = reactor.memory
    const address = readAddress(DIRECT, state[STATE_ADDRESS]!) as PacketAddress
    const controls = walkControl(controlLayout, control, state[STATE_CONTROL]!)
    const found = controls.find(({ level, type }) => level === SOL_PACKET && type === PACKET_AUXDATA)
    const aux = (found && auxdata?.decode(found.data)) ?? { length: received, tag: null }
    return makeFrame({
      timestamp: metaOf(controls).timestamp ?? 0n,
      captured: bytes.length,
      length: aux.length,
      data: restore(bytes, aux.tag, this.cooked),
      tag: aux.tag,
      cooked: this.cooked,
      address,
    })
  }
}

/** Receives until there is nothing left, or enough → frames, at least one. */
export class ReceiveFrames extends Operation<Frame[]> {
  #frames: Frame[] = []

  constructor(
    private readonly reader: Reader,
    private readonly max: number = BATCH,
  ) {
    super()
  }

  get direction(): typeof READ {
    return READ
  }

  get syscall(): string {
    return this.reader.syscall
  }

  // A reader may have frames or a failure of its own, and a ring is not what recv(2) found empty.
  override get ignoresDry(): boolean {
    return true
  }

  attempt(): number {
    const { reader } = this
    const frames: Frame[] = (this.#frames = [])
    if (reader.errno !== 0) {
      const { errno } = reader
      reader.errno = 0
      return errno
    }
    while (frames.length < this.max) {
      const frame = reader.receive()
      if (typeof frame !== 'number') {
        frames.push(frame)
        continue
      }
      if (frames.length === 0) return frame
      if (frame !== EAGAIN) reader.errno = frame
      break
    }
    return frames.length
  }

  value(): Frame[] {
    return this.#frames
  }

  failure(result: number): Error {
    return systemError(this.reader.syscall, result)
  }
}
