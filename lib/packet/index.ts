import type { PacketAddress } from '../address'
import { reactor } from '../reactor'
import { isAborted } from '../runtime/signals'
import { checkReceive } from '../operations/flags'
import type { Op } from '../validators'
import { FrameReader, ReceiveFrames, type Reader } from './frames'
import { RingReader } from './ring-reader'
import * as options from '../options/all'
import type { Socket } from '../socket'
import type { Frame } from './frame'
import { FrameIterator } from './iterator'
import { joinFanout, openSocket, type FanoutOptions, type PacketOptions } from './setup'
import { append } from '../runtime/list'

export type { Frame, Vlan } from './frame'
export type { RingOptions } from './ring'
export type { FanoutOptions, PacketOptions } from './setup'

/** The counters of a packet socket since it was opened. */
export interface PacketStatistics {
  /** The number of frames that the filter accepted, including dropped ones. */
  packets: number
  /** The number of frames that the kernel dropped because the buffer was full. */
  drops: number
  /** How often the ring was full. Present only with a ring. */
  freezes?: number
}

/**
 * Opens a packet socket, which receives and sends whole link-layer frames on an interface. packet(7)
 *
 * A frame that the filter rejects is never queued, not even while the socket opens. Needs CAP_NET_RAW, otherwise
 * `EPERM`. `ENODEV` if the interface does not exist. Linux only, otherwise `ENOSYS`.
 *
 * @example
 * using packets = openPacket({ interface: 'eth0', filter: bpf.compile('arp') })
 * for await (const { timestamp, data } of packets.frames()) console.log(timestamp, data)
 */
export function openPacket(given: PacketOptions): PacketSocket {
  return new PacketSocket(given)
}

/** A packet socket that `openPacket` opened. */
export class PacketSocket implements Disposable, AsyncDisposable {
  /** The underlying socket. If you read PACKET_STATISTICS from it, these counts are missing in `statistics()`. */
  readonly socket: Socket<PacketAddress>
  /**
   * True if frames come through a ring. False if no ring was requested, or if the kernel refused it: then frames come
   * by recvmsg(2). `supports('packet-ring')` tells beforehand.
   */
  readonly ring: boolean
  readonly #reader: Reader
  /** Frames that were received together with an earlier one and are not delivered yet. */
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
   * Iterates over the frames as they arrive. The loop ends when the socket is closed. It throws if the signal is
   * aborted, if the timeout for one frame expires, or with `ENETDOWN` if the interface goes down. No frame is lost
   * when you leave the loop: the next loop continues with the next frame, also after `ENETDOWN`.
   */
  frames(op?: Op): AsyncIterableIterator<Frame> {
    const waiting = checkReceive(op, this.socket.timeout)
    return new FrameIterator(
      {
        take: () => this.#take(),
        wait: signal => this.#wait(waiting.timeout, signal),
        closed: () => this.closed,
      },
      waiting.signal,
    )
  }

  /** Receives the next frame. */
  async receive(op?: Op | number): Promise<Frame> {
    const { timeout, signal } = checkReceive(op, this.socket.timeout)
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

  /** Returns the next frame, or `null` if none has arrived. */
  tryReceive(): Frame | null {
    const ready = this.#take()
    if (ready !== undefined) return ready
    const frames = reactor.attemptNow(this.socket.channel, new ReceiveFrames(this.#reader, 1))
    return frames === null ? null : frames[0]!
  }

  /**
   * Sends a frame that starts with its link-layer header. Resolves with the number of bytes, which is all of them.
   *
   * `EMSGSIZE` if the frame is longer than the interface allows. `ENOBUFS` if the queue of the interface is full; the
   * socket stays writable then, so retry after a delay. On a cooked socket use
   * `socket.sendto(data, { interface, protocol, hardwareAddress })` instead.
   */
  send(frame: ArrayBufferView, op?: Op | number): Promise<number> {
    return this.socket.send(frame, op)
  }

  /** Sends a frame without waiting. Returns the number of bytes, or `null` if it would block. */
  trySend(frame: ArrayBufferView, flags = 0): number | null {
    return this.socket.trySend(frame, flags)
  }

  /** Returns the counters since the socket was opened. The kernel resets its counters on each read; these are sums. */
  statistics(): PacketStatistics {
    const { tp_packets, tp_drops, tp_freeze_q_cnt = 0 } = this.socket.get(options.PACKET_STATISTICS)
    this.#statistics.packets += tp_packets
    this.#statistics.drops += tp_drops
    if (this.ring) this.#statistics.freezes! += tp_freeze_q_cnt
    return { ...this.#statistics }
  }

  /**
   * Joins a fanout group, which distributes the frames over its sockets. Returns the number of the group. Before this
   * call the socket receives all frames, also those that the group receives. PACKET_FANOUT of packet(7)
   */
  fanout(given: FanoutOptions): number {
    return joinFanout(this.socket, given)
  }

  /** Closes the socket and ends all loops over `frames()`. */
  close(): void {
    this.#queue.length = this.#next = 0
    this.socket.close()
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Calls `close()` at the end of an `await using` block. */
  // eslint-disable-next-line @typescript-eslint/require-await -- an error of close() is a rejection here
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Makes waiting for frames keep the process alive. This is the default. */
  ref(): this {
    this.socket.ref()
    return this
  }

  /** Lets the process exit while the socket waits for frames. */
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

  /** Waits until the queue has at least one frame. */
  async #wait(timeout: number | null, signal: AbortSignal): Promise<void> {
    const operation = new ReceiveFrames(this.#reader)
    const frames = await reactor.submit(this.socket.channel, operation, timeout, signal)
    for (const frame of frames) append(this.#queue, frame)
  }
}
