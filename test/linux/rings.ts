import { readFileSync } from 'node:fs'
import { bpf, openPacket, type Frame, type PacketSocket, type RingOptions } from '../../lib'
import { native } from '../../lib/binding/binding'
import { missing } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

/*
 * Shared by the tests of packet rings: packet sockets on both ends of a veth pair, which are closed after each test.
 * The memory of a ring is mapped from its socket. No such mapping may be left in /proc/self/maps.
 */
export const none = missing.network() ?? missing.root()
export const TYPE = 0x88b5 // for local experiments
export const page = native.pageSize()
export const SMALL: RingOptions = { blockSize: page, blocks: 4, timeout: 5 }
export const broadcast = 'ff:ff:ff:ff:ff:ff'

const mac = (text: string): Buffer => Buffer.from(text.replace(/:/g, ''), 'hex')
export const frameOf = (to: string, from: string, data: string): Buffer =>
  Buffer.concat([mac(to), mac(from), Buffer.of(TYPE >> 8, TYPE & 0xff), Buffer.from(data.padEnd(46))])
export const textOf = ({ data }: Frame): string => data.toString('latin1', 14).trimEnd()

/** Accepts only frames of TYPE. */
export const only = bpf.assemble([
  { op: 'ldh', k: 12 },
  { op: 'jeq', k: TYPE, jf: 'drop' },
  { op: 'ret', k: 0x40000 },
  { op: 'ret', k: 0, label: 'drop' },
])

/** Returns how many mappings of this process belong to sockets. */
export function mappings(): number {
  return [...readFileSync('/proc/self/maps', 'utf8').matchAll(/ socket:\[\d+\]$/gm)].length
}

/** Makes a network for a describe block. */
export class Wire {
  network!: Network
  readonly #opened: PacketSocket[] = []

  constructor() {
    beforeAll(async () => {
      if (none === null) this.network = await makeNetwork()
    })
    afterEach(() => {
      for (const each of this.#opened.splice(0)) each.close()
      if (none === null) expect(mappings()).toBe(0)
    })
    afterAll(() => this.network?.close())
  }

  /** Opens a packet socket on one side. */
  open(side: 'a' | 'b', more: object = {}): PacketSocket {
    const { netns, interface: device } = this.network[side]
    const socket = openPacket({ interface: device.name, netns, protocol: TYPE, ...more })
    this.#opened.push(socket)
    return socket
  }

  /** Opens a packet socket with a ring on side b. */
  ring(more: object = {}): PacketSocket {
    const socket = this.open('b', { ring: true, ...more })
    expect(socket.ring).toBe(true)
    return socket
  }

  /** Returns a function that sends a frame from side a. */
  sender(): (data: string, to?: string) => void {
    const socket = this.open('a', { filter: bpf.parse('ret #0') })
    return (data, to = broadcast) => void socket.trySend(frameOf(to, this.network.a.interface.mac, data))
  }
}

export async function take(socket: PacketSocket, count: number): Promise<Frame[]> {
  const frames: Frame[] = []
  for await (const frame of socket.frames({ timeout: 5000 })) {
    frames.push(frame)
    if (frames.length === count) break
  }
  return frames
}

/** Receives the frames before the one with this text. */
export async function until(socket: PacketSocket, text: string): Promise<Frame[]> {
  const frames: Frame[] = []
  for await (const frame of socket.frames({ timeout: 5000 })) {
    if (textOf(frame) === text) break
    frames.push(frame)
  }
  return frames
}
