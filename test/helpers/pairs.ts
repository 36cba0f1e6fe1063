import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  constants,
  Socket,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from '../../lib'
import { missing } from './need'

/** Two sockets connected to each other. */
export interface Pair {
  a: Socket
  b: Socket
}

export interface Kind {
  name: string
  /** True for byte streams, which have no message boundaries. */
  stream: boolean
  /** True if the peer's close or shutdown is read as an empty Buffer. */
  ends: boolean
  /** True if a full receiver stops the sender. UDP drops datagrams instead. */
  backpressure: boolean
  unix: boolean
  /** Why this machine cannot make such a pair, or null. */
  missing: string | null
  make(): Promise<Pair>
}

const { IPPROTO_MPTCP, IPPROTO_UDPLITE } = constants

/** Calls `use` with a path in a new directory, and removes the directory when `use` has ended. */
export async function withPath<T>(use: (file: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
  try {
    return await use(path.join(directory, 's'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

let names = 0
/** Returns an abstract name that is not in use. */
export const abstractName = (): string => `\0bsd-sockets-${process.pid}-${process.hrtime.bigint()}-${names++}`

async function accepted(
  family: number,
  type: number,
  protocol: number,
  address: string | [string, number],
): Promise<Pair> {
  const listener = new Socket(family, type, protocol)
  const a = new Socket(family, type, protocol)
  listener.bind(address).listen()
  const [b] = await Promise.all([listener.accept(), a.connect(listener.getsockname())])
  listener.close()
  return { a, b }
}

async function connectedBothWays(
  family: number,
  protocol: number,
  one: string | [string, number],
  two: typeof one,
): Promise<Pair> {
  const a = new Socket(family, SOCK_DGRAM, protocol).bind(one)
  const b = new Socket(family, SOCK_DGRAM, protocol).bind(two)
  await a.connect(b.getsockname())
  await b.connect(a.getsockname())
  return { a, b }
}

async function pair(type: number): Promise<Pair> {
  const [a, b] = Socket.pair(AF_UNIX, type)
  return { a, b }
}

const stream = { stream: true, ends: true, backpressure: true }
const record = { stream: false, ends: true, backpressure: true }
const datagram = { stream: false, ends: false, backpressure: true }
const lossy = { stream: false, ends: false, backpressure: false }

function kind(
  name: string,
  traits: Pick<Kind, 'stream' | 'ends' | 'backpressure'>,
  needs: [family: number, type: number, protocol?: number],
  make: () => Promise<Pair>,
): Kind {
  return { name, ...traits, unix: needs[0] === AF_UNIX, missing: missing.socket(...needs), make }
}

const v4: [string, number] = ['127.0.0.1', 0]
const v6: [string, number] = ['::1', 0]

/** Every kind of connected socket pair that this package can make. */
export const kinds: Kind[] = [
  kind('tcp4', stream, [AF_INET, SOCK_STREAM], () => accepted(AF_INET, SOCK_STREAM, 0, v4)),
  kind('tcp6', stream, [AF_INET6, SOCK_STREAM], () => accepted(AF_INET6, SOCK_STREAM, 0, v6)),
  kind('unix stream', stream, [AF_UNIX, SOCK_STREAM], () =>
    withPath(file => accepted(AF_UNIX, SOCK_STREAM, 0, file)),
  ),
  kind('unix abstract stream', stream, [AF_UNIX, SOCK_STREAM], () =>
    accepted(AF_UNIX, SOCK_STREAM, 0, abstractName()),
  ),
  kind('socketpair stream', stream, [AF_UNIX, SOCK_STREAM], () => pair(SOCK_STREAM)),
  kind('unix seqpacket', record, [AF_UNIX, SOCK_SEQPACKET], () =>
    withPath(file => accepted(AF_UNIX, SOCK_SEQPACKET, 0, file)),
  ),
  kind('socketpair seqpacket', record, [AF_UNIX, SOCK_SEQPACKET], () => pair(SOCK_SEQPACKET)),
  kind('unix dgram', datagram, [AF_UNIX, SOCK_DGRAM], () =>
    withPath(file => connectedBothWays(AF_UNIX, 0, `${file}1`, `${file}2`)),
  ),
  kind('socketpair dgram', datagram, [AF_UNIX, SOCK_DGRAM], () => pair(SOCK_DGRAM)),
  kind('udp4', lossy, [AF_INET, SOCK_DGRAM], () => connectedBothWays(AF_INET, 0, v4, v4)),
  kind('udp6', lossy, [AF_INET6, SOCK_DGRAM], () => connectedBothWays(AF_INET6, 0, v6, v6)),
  kind('mptcp', stream, [AF_INET, SOCK_STREAM, IPPROTO_MPTCP ?? -1], () =>
    accepted(AF_INET, SOCK_STREAM, IPPROTO_MPTCP!, v4),
  ),
  kind('udplite', lossy, [AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE ?? -1], () =>
    connectedBothWays(AF_INET, IPPROTO_UDPLITE!, v4, v4),
  ),
]

/** Makes a pair, runs with it, and closes it. */
export async function using<T>(make: () => Promise<Pair>, run: (pair: Pair) => Promise<T>): Promise<T> {
  const made = await make()
  try {
    return await run(made)
  } finally {
    made.a.close()
    made.b.close()
  }
}

/** Sends until the kernel takes no more. Returns the number of bytes and of sends. */
export function fill(
  socket: Socket,
  chunk: Uint8Array = Buffer.alloc(8192, 'f'),
): { bytes: number; sends: number } {
  let [bytes, sends] = [0, 0]
  for (;;) {
    const sent = socket.trySend(chunk)
    if (sent === null) return { bytes, sends }
    bytes += sent
    sends++
    if (bytes > 256 * 1024 * 1024) throw new Error('it never fills')
  }
}

/** Receives what has already arrived. Stops at the end of a stream. */
export function drain(socket: Socket, size = 65536): Buffer[] {
  const parts: Buffer[] = []
  for (;;) {
    const part = socket.tryRecv(size)
    if (part === null) return parts
    if (part.length === 0 && socket.type !== SOCK_DGRAM) return parts
    parts.push(part)
  }
}

/** Receives until `length` bytes have arrived, or the stream ends. */
export async function receive(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let got = 0; got < length;) {
    const part = await socket.recv(65536)
    if (part.length === 0) break
    parts.push(part)
    got += part.length
  }
  return Buffer.concat(parts)
}

/** Waits for one turn of the event loop: timers, poll, immediates. */
export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Returns bytes in a pattern that does not repeat every 256, so that a wrong offset shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff
  return bytes
}
