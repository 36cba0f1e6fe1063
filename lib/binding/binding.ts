import { engine } from '../runtime/engine'
import { loadAddon } from './load'
import { ABI, sharedLayout } from './shared'

/** Numbers of the system's headers: a text of names, and their values in the same order. tables.ts reads it. */
export interface Numbers {
  readonly names: string
  readonly values: Float64Array
}

/**
 * All functions of the addon. No other file declares one. A call returns a result ≥ 0 or −errno; an argument of the
 * wrong type throws. `slot` is the id of a slot, `fd` a plain descriptor.
 */
export interface Native {
  readonly shared: readonly number[]
  readonly constants: Numbers
  readonly layout: Numbers
  readonly raw: RawCalls

  connectMemory(
    dispatch: (records: number) => void,
    completions: Int32Array,
    addresses: Uint8Array,
    inbox: Uint8Array,
    state: Int32Array,
  ): void
  setTable(table: Int32Array): number
  ref(on: boolean): void
  allocate(size: number): ArrayBuffer | undefined
  stats(): { slots: number; jobs: number; watching: boolean }

  socket(domain: number, type: number, protocol: number): number
  socketIn(netns: number, domain: number, type: number, protocol: number): number
  socketpair(domain: number, type: number, protocol: number): number
  dupFd(fd: number): number
  closeFd(fd: number): number
  fcntl(slot: number, command: number, argument: number): number
  inspect(fd: number, kind: Int32Array): number
  adopt(fd: number, traits: number, lingers?: number): number
  adoptDuplicate(fd: number): number
  adoptAsIs(fd: number): number
  close(slot: number): number
  descriptor(slot: number): number
  hasSlot(fd: number): number
  detach(slot: number): number
  watch(slot: number, writing: number, again: number): number
  useEdges(slot: number): number
  lentToKernel(slot: number, lent: number): number

  bind(slot: number, address: Uint8Array): number
  connect(slot: number, address: Uint8Array): number
  listen(slot: number, backlog: number): number
  accept(slot: number): number
  getsockname(slot: number): number
  getpeername(slot: number): number
  shutdown(slot: number, how: number): number

  recv(slot: number, buffer: ArrayBufferView, flags: number, offset?: number, length?: number): number
  recvfrom(slot: number, buffer: ArrayBufferView, flags: number, offset?: number, length?: number): number
  recvmsg(
    slot: number,
    buffers: ArrayBufferView | ArrayBufferView[],
    control: ArrayBufferView | null,
    flags: number,
    offset?: number,
    length?: number,
  ): number
  send(slot: number, buffer: ArrayBufferView, flags?: number, offset?: number, length?: number): number
  /**
   * Sends each buffer, until one is not sent whole. Returns the result of the last send. STATE_SECOND is the number of
   * buffers that were sent whole. The offset and the length are in the first buffer.
   */
  sendZeroCopy(
    slot: number,
    buffers: ArrayBufferView | ArrayBufferView[],
    flags: number,
    offset?: number,
    length?: number,
  ): number
  sendto(
    slot: number,
    buffer: ArrayBufferView,
    flags: number,
    address: Uint8Array,
    offset?: number,
    length?: number,
  ): number
  sendmsg(
    slot: number,
    buffers: ArrayBufferView | ArrayBufferView[],
    control: ArrayBufferView | null,
    flags: number,
    address: Uint8Array | null,
  ): number

  recvmmsg(
    slot: number,
    data: Uint8Array,
    names: Uint8Array | null,
    control: Uint8Array | null,
    fields: Int32Array,
    size: number,
    controlSize: number,
    first: number,
    count: number,
    flags: number,
  ): number
  /**
   * Receives like recvmmsg, and then moves the data together. Each message begins at a multiple of 8. After the slab's
   * data, `buffers` has memory for the first messages, in places of `expected` bytes at multiples of 8. A message of that
   * length stays in its place.
   */
  recvPacked(
    slot: number,
    buffers: Uint8Array | readonly Uint8Array[],
    names: Uint8Array | null,
    control: Uint8Array | null,
    fields: Int32Array,
    size: number,
    controlSize: number,
    stride: number,
    count: number,
    flags: number,
    expected: number,
  ): number
  sendmmsg(
    slot: number,
    data: Uint8Array,
    names: Uint8Array | null,
    control: Uint8Array | null,
    fields: Int32Array,
    size: number,
    controlSize: number,
    first: number,
    count: number,
    flags: number,
  ): number

  /** Returns the length of the value. */
  getsockopt(slot: number, level: number, name: number, value: ArrayBufferView): number
  setsockopt(slot: number, level: number, name: number, value: ArrayBufferView | null, length: number): number
  setProgram(slot: number, level: number, name: number, instructions: ArrayBufferView): number
  ioctl(slot: number, request: number, argument: ArrayBufferView): number

  sendfile(
    slot: number,
    file: number,
    offset: number,
    count: number,
    part: number,
    microseconds: number,
    uncached: number,
  ): number
  sendfileFrom(
    slot: number,
    fd: number,
    offset: number,
    count: number,
    part: number,
    microseconds: number,
    uncached: number,
  ): number
  transferJob(
    from: number,
    to: number,
    other: number,
    offset: number | null,
    count: number,
    ticket: number,
  ): number
  stat(fd: number): number
  isLocal(fd: number): number
  pipe(size: number): number
  fchmod(slot: number, mode: number): number
  splice(from: number, to: number, count: number): number
  abort(slot: number): number
  read(slot: number, buffer: ArrayBufferView): number
  write(slot: number, buffer: ArrayBufferView): number
  fileSize(slot: number): number

  poll(descriptors: Int32Array, timeout: number): number
  gather(descriptors: Int32Array): number
  interfaceIndex(slot: number, name: Uint8Array): number
  interfaceName(slot: number, index: number, into: Uint8Array): number
  interfaceOfAddress(slot: number, address: Uint8Array): number
  hardwareTimestamps(slot: number, name: Uint8Array, config: Int32Array, set: number): number
  realtime(into: Int32Array): number
  ringOpen(slot: number, blockSize: number, blocks: number, frameSize: number, timeout: number): number
  ringNext(slot: number): number
  ringTake(slot: number, into: Uint8Array): number
  pageSize(): number
  if_nametoindex(name: Uint8Array): number
  if_indextoname(index: number, into: Uint8Array): number
  if_nameindex(into: Uint8Array): number

  lookupIn(
    netns: number,
    kind: number,
    first: Uint8Array | null,
    second: Uint8Array | null,
    a: number,
    b: number,
    c: number,
    d: number,
  ): number
  lookup(
    kind: number,
    first: Uint8Array | null,
    second: Uint8Array | null,
    a: number,
    b: number,
    c: number,
    d: number,
  ): number
  lookupJob(
    ticket: number,
    kind: number,
    first: Uint8Array | null,
    second: Uint8Array | null,
    a: number,
    b: number,
    c: number,
    d: number,
  ): number
  takeReply(into: Uint8Array): number
  gethostname(into: Uint8Array): number
  sethostname(name: Uint8Array): number
}

/** The functions of bsd-sockets/raw: the same calls on plain descriptors. lib/raw.ts describes the arguments. */
export interface RawCalls {
  socket(domain: number, type: number, protocol: number): number
  socketpair(domain: number, type: number, protocol: number, fds: Int32Array): number
  dup(fd: number): number
  close(fd: number): number
  fcntl(fd: number, command: number, argument: number): number
  bind(fd: number, address: ArrayBufferView): number
  connect(fd: number, address: ArrayBufferView): number
  listen(fd: number, backlog: number): number
  accept(fd: number, address?: ArrayBufferView | null, addressLength?: Int32Array | null): number
  getsockname(fd: number, address: ArrayBufferView, addressLength: Int32Array): number
  getpeername(fd: number, address: ArrayBufferView, addressLength: Int32Array): number
  shutdown(fd: number, how: number): number
  recv(fd: number, buffer: ArrayBufferView, flags: number): number
  recvfrom(
    fd: number,
    buffer: ArrayBufferView,
    flags: number,
    offset: number | undefined,
    length: number | undefined,
    address?: ArrayBufferView | null,
    addressLength?: Int32Array | null,
  ): number
  recvmsg(
    fd: number,
    buffers: ArrayBufferView[],
    control: ArrayBufferView | null,
    flags: number,
    address: ArrayBufferView | null,
    addressLength: Int32Array | null,
    info: Int32Array | null,
  ): number
  send(fd: number, buffer: ArrayBufferView, flags: number): number
  sendto(fd: number, buffer: ArrayBufferView, flags: number, address: ArrayBufferView): number
  sendmsg(
    fd: number,
    buffers: ArrayBufferView[],
    control: ArrayBufferView | null,
    flags: number,
    address: ArrayBufferView | null,
  ): number
  getsockopt(fd: number, level: number, name: number, value: ArrayBufferView, length: Int32Array): number
  setsockopt(fd: number, level: number, name: number, value: ArrayBufferView | null, length: number): number
  setProgram(fd: number, level: number, name: number, instructions: ArrayBufferView): number
  ioctl(fd: number, request: number, argument: ArrayBufferView): number
  sendfile(out: number, file: number, offset: number | null, count: number): number
  splice(
    from: number,
    fromOffset: number | null,
    to: number,
    toOffset: number | null,
    count: number,
    flags: number,
  ): number
}

/** The exports of the addon. Each call of `open` creates a binding with its own slot table; `libuv` is false without one. */
interface Addon {
  readonly abi: number
  open(libuv: boolean): Native
}

function open(addon: Addon): Native {
  const native = addon.abi === ABI ? addon.open(engine === 'Node') : null
  const same =
    native?.shared.length === sharedLayout.length && sharedLayout.every((n, i) => n === native.shared[i])
  if (native !== null && same) return fast(native)
  throw Object.assign(
    new Error(
      'bsd-sockets: the binary and the JavaScript are of different versions. Rebuild or reinstall the package.',
    ),
    { code: 'ERR_BINARY_MISMATCH' },
  )
}

// V8 stores an object with this many properties as a hash table, which makes every call slower. V8 converts it to the
// fast form when the object becomes the prototype of another object.
function fast<T extends object>(object: T): T {
  Object.create(object)
  return object
}

export const native: Native = open(loadAddon() as Addon)
