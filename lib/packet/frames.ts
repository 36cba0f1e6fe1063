import type { PacketAddress } from '../address'
import { walkControl } from '../control/walk'
import { systemError } from '../errors'
import { platform } from '../host'
import { reactor, readAddress } from '../reactor'
import { EAGAIN } from '../errors/errno'
import { DIRECT } from '../binding/memory'
import { deviceLoss } from '../message/device'
import { receiveMessage } from '../message/leftover'
import { controlLayout, metaOf } from '../message/receive-control'
import { Operation } from '../reactor/operation'
import type { Channel } from '../reactor/channel'
import { READ, STATE_ADDRESS, STATE_CONTROL } from '../binding/shared'
import { constants, MSG_TRUNC } from '../constants'
import { AuxdataCodec, makeFrame, restore, type Frame } from './frame'
import { append } from '../runtime/list'

/** The longest frame in bytes. The kernel can merge frames (GRO, GSO), so this is longer than any frame on a wire. */
const MAX_LENGTH = 1 << 18
/** How many frames one attempt takes, so that a busy interface does not starve other sockets. */
const BATCH = 32

const auxdata = AuxdataCodec.create(platform)
const { SOL_PACKET, PACKET_AUXDATA } = constants

// Shared by all readers: each frame is copied out before the next receive. Allocated when first needed.
let scratch: Buffer | null = null
const control = new Uint8Array(256)

/** How a packet socket receives frames: by recvmsg(2) or from a ring. */
export interface Reader {
  readonly channel: Channel
  /** The system call's name, for errors. */
  readonly syscall: string
  /** An error that occurred after some frames: it is reported after these frames have been delivered. */
  errno: number
  /** Receives one frame. Returns the frame, or −errno. */
  receive(): Frame | number
}

/** Receives with one recvmsg(2) for each frame. */
export class FrameReader implements Reader {
  readonly syscall = 'recvmsg'
  errno = 0

  constructor(
    readonly channel: Channel,
    readonly cooked: boolean,
  ) {}

  receive(): Frame | number {
    scratch ??= Buffer.allocUnsafeSlow(MAX_LENGTH)
    // With MSG_TRUNC the result is the length of the whole frame, even if the buffer is shorter.
    const result = receiveMessage(this.channel, [scratch], control, MSG_TRUNC)
    return result < 0 ? result : this.#frame(scratch.subarray(0, Math.min(result, MAX_LENGTH)), result)
  }

  #frame(bytes: Uint8Array, received: number): Frame {
    const { state } = reactor.memory
    const address = readAddress(this.channel, DIRECT, state[STATE_ADDRESS]!) as PacketAddress
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

/** Receives frames until none is left or `max` is reached. The value has at least one frame. */
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

  // DRY tells that recv(2) found no data. The reader may still hold frames or an error, and a ring is separate memory.
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
        append(frames, frame)
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
    return systemError(this.reader.syscall, result, { device: deviceLoss(this.reader.channel, result) })
  }
}
