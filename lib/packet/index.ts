import { reactor } from '../reactor'
import { isAborted } from '../runtime/signals'
import { checkOp, type Op } from '../validators'
import { FrameReader, ReceiveFrames, type Reader } from './frames'
import { RingReader } from './ring-reader'
import * as options from '../options/all'
import type { Socket } from '../socket'
import type { Frame } from './frame'
import { FrameIterator } from './iterator'
import { joinFanout, openSocket, type FanoutOptions, type PacketOptions } from './setup'

export type { Frame, Vlan } from './frame'
export type { RingOptions } from './ring'
export type { FanoutOptions, PacketOptions } from './setup'

/** What a packet socket has counted since it was opened. */
export interface PacketStatistics {
  /** Frames that the filter accepted, the dropped ones with them. */
  packets: number
  /** Frames that were lost since there was no room for them. */
  drops: number
  /** How often the ring was full. Only with a ring. */
  freezes?: number
}

/**
 * Opens a packet socket on an interface, packet(7): it receives frames as the interface gets them, and sends
 * what it is given. No frame that the filter drops is ever queued, also while it opens. Linux only
 * (`ENOSYS`); needs CAP_NET_RAW (`EPERM`). `ENODEV` where there is no such interface.
 *
 * @example
 * using packets = openPacket({ interface: 'eth0', filter: bpf.parse(await tcpdumpDdd('arp')) })
 * for await (const { timestamp, data } of packets.frames()) console.log(timestamp, data)
 */
export function openPacket(given: PacketOptions): PacketSocket {
  return new PacketSocket(given)
}

/** A packet socket that `openPacket` opened. */
export class PacketSocket implements Disposable, AsyncDisposable {
  /** The socket, for options and everything else. PACKET_STATISTICS read here is missing in `statistics()`. */
  readonly socket: Socket
  /**
   * Whether frames come through a ring: false as well where one was asked for and the kernel refused, so that
   * they come by recvmsg(2). `supports('packet-ring')` asks beforehand.
   */
  readonly ring: boolean
  readonly #reader: Reader
  /** Frames that came together with one that was asked for. */
  readonly #queue: Frame[] = []
  #next = 0
  readonly #statistics: PacketStatistics = { packets: 0, drops: 0 }

  /** @internal */
  constructor(given: PacketOptions) {
    const { socket, cooked, ring } = openSocket(given)
    this.socket = socket
    this.ring = ring
    this.#reader = new (ring ? RingReader : FrameReader)(socket.channel, cooked)
    if (ring) this.#statistics.freezes = 0
  }

  /** True after close(). */
  get closed(): boolean {
    return this.socket.closed
  }

  /**
   * The frames as they come. It ends when the socket is closed; a signal and a timeout (for each frame) reject,
   * as does `ENETDOWN` when the interface goes down, after which one can go on. Leaving the loop loses nothing:
   * another one continues.
   */
  frames(op?: Op): AsyncIterableIterator<Frame> {
    const waiting = checkOp(op, this.socket.timeout)
    return new FrameIterator(
      {
        take: () => this.#take(),
        wait: signal => this.#wait(waiting.timeout, signal),
        closed: () => this.closed,
      },
      waiting.signal,
    )
  }

  /** The next frame. */
  async receive(op?: Op | number): Promise<Frame> {
    const { timeout, signal } = checkOp(op, this.socket.timeout)
    const ready = this.#take()
    if (ready !== undefined && (signal === undefined || !isAborted(signal))) return ready
    const [frame] = await reactor.submit(
      this.socket.channel,
      new ReceiveFrames(this.#reader, 1),
      timeout,
      signal,
    )
    return frame!
  }

  /** The next frame, or `null` when there is none yet. */
  tryReceive(): Frame | null {
    const ready = this.#take()
    if (ready !== undefined) return ready
    const frames = reactor.attemptNow(this.socket.channel, new ReceiveFrames(this.#reader, 1))
    return frames === null ? null : frames[0]!
  }

  /**
   * Sends a frame, complete with its link-layer header: the bytes taken, all of them. `EMSGSIZE` for one that
   * is longer than the interface takes; `ENOBUFS` when its queue is full, where waiting for writability does
   * not help. From a cooked socket use `socket.sendto(data, { interface, protocol, hardwareAddress })`.
   */
  send(frame: ArrayBufferView, op?: Op | number): Promise<number> {
    return this.socket.send(frame, op)
  }

  /** send, now or never. */
  trySend(frame: ArrayBufferView, flags = 0): number | null {
    return this.socket.trySend(frame, flags)
  }

  /** What was received and lost since the socket was opened. The kernel begins anew at each reading; this does not. */
  statistics(): PacketStatistics {
    const { tp_packets, tp_drops, tp_freeze_q_cnt = 0 } = this.socket.get(options.PACKET_STATISTICS)
    this.#statistics.packets += tp_packets
    this.#statistics.drops += tp_drops
    if (this.ring) this.#statistics.freezes! += tp_freeze_q_cnt
    return { ...this.#statistics }
  }

  /**
   * Shares the frames with other sockets from now on, PACKET_FANOUT; the number of the group. Until then this
   * socket gets all of them, also what the group got.
   */
  fanout(given: FanoutOptions): number {
    return joinFanout(this.socket, given)
  }

  /** Closes the socket, and ends the loops over `frames()`. */
  close(): void {
    this.#queue.length = this.#next = 0
    this.socket.close()
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** `close()`, at the end of an `await using` block. */
  // eslint-disable-next-line @typescript-eslint/require-await -- an error of close() is a rejection here
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Waiting for frames keeps the process alive again. */
  ref(): this {
    this.socket.ref()
    return this
  }

  /** Waiting for frames no longer keeps the process alive. */
  unref(): this {
    this.socket.unref()
    return this
  }

  #take(): Frame | undefined {
    if (this.#next === this.#queue.length) return undefined
    const frame = this.#queue[this.#next++]
    if (this.#next === this.#queue.length) this.#queue.length = this.#next = 0
    return frame
  }

  /** Fills the queue with at least one frame. */
  async #wait(timeout: number | null, signal: AbortSignal): Promise<void> {
    const operation = new ReceiveFrames(this.#reader)
    this.#queue.push(...(await reactor.submit(this.socket.channel, operation, timeout, signal)))
  }
}
