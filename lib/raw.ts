/**
 * The system calls on plain descriptors. Each function returns a result ≥ 0, or −errno. An error of the system does not
 * throw; only an argument of the wrong type throws. No state is kept, and no descriptor is closed for you.
 *
 * The arguments are in the order of C. An `int *` or `socklen_t *` of C is an `Int32Array`, and an address is the
 * bytes of a sockaddr. Five things differ from C, for safety: new descriptors are close-on-exec, and new sockets are
 * non-blocking (`fcntl` changes both). A send never raises SIGPIPE, and is never MSG_ZEROCOPY. A call that a signal
 * interrupts is repeated, except `connect` and `close`.
 *
 * If you make a descriptor blocking, or if a file is not in the page cache, the call blocks the event loop.
 */
import { byteLengthOf } from './struct'
import { native } from './binding/binding'

const raw = native.raw

/** Any Buffer, typed array or DataView. */
export type Bytes = ArrayBufferView

/** Creates a socket. Returns its descriptor, which is close-on-exec and non-blocking. socket(2) */
export function socket(domain: number, type: number, protocol = 0): number {
  return raw.socket(domain, type, protocol)
}

/** Creates a pair of connected sockets. Returns 0, and stores both descriptors in `fds`. socketpair(2) */
export function socketpair(domain: number, type: number, protocol: number, fds: Int32Array): number {
  return raw.socketpair(domain, type, protocol, fds)
}

/** Closes a descriptor. Never repeats the call. close(2) */
export function close(fd: number): number {
  return raw.close(fd)
}

/** Returns a duplicate of a descriptor, with close-on-exec set (`F_DUPFD_CLOEXEC`). dup(2) */
export function dup(fd: number): number {
  return raw.dup(fd)
}

/** Runs a command whose argument is a number. Returns −EINVAL for all other commands. fcntl(2) */
export function fcntl(fd: number, command: number, argument = 0): number {
  return raw.fcntl(fd, command, argument)
}

/** Binds a socket to a local address. bind(2) */
export function bind(fd: number, address: Bytes): number {
  return raw.bind(fd, address)
}

/** Connects a socket. Returns −EINPROGRESS if the connection is not complete yet. connect(2) */
export function connect(fd: number, address: Bytes): number {
  return raw.connect(fd, address)
}

/** Starts to listen for connections. listen(2) */
export function listen(fd: number, backlog: number): number {
  return raw.listen(fd, backlog)
}

/**
 * Accepts a connection. Returns its descriptor. `addressLength[0]` is the size of `address` before the call, and the
 * length of the peer's address after it. accept(2)
 */
export function accept(
  fd: number,
  address: Bytes | null = null,
  addressLength: Int32Array | null = null,
): number {
  return raw.accept(fd, address, addressLength)
}

/** Stores the local address in `address`. `addressLength` is used as in `accept`. getsockname(2) */
export function getsockname(fd: number, address: Bytes, addressLength: Int32Array): number {
  return raw.getsockname(fd, required(address), addressLength)
}

/** Stores the remote address in `address`. `addressLength` is used as in `accept`. getpeername(2) */
export function getpeername(fd: number, address: Bytes, addressLength: Int32Array): number {
  return raw.getpeername(fd, required(address), addressLength)
}

/** Shuts down one or both directions of a connection: `SHUT_*`. shutdown(2) */
export function shutdown(fd: number, how: number): number {
  return raw.shutdown(fd, how)
}

/** Receives into `buffer`. Returns the number of bytes. recv(2) */
export function recv(fd: number, buffer: Bytes, flags = 0): number {
  return raw.recv(fd, buffer, flags)
}

/** Receives into `buffer`. Returns the number of bytes, and stores the sender in `address`. recvfrom(2) */
export function recvfrom(
  fd: number,
  buffer: Bytes,
  flags = 0,
  address: Bytes | null = null,
  addressLength: Int32Array | null = null,
): number {
  return raw.recvfrom(fd, buffer, flags, undefined, undefined, address, addressLength)
}

/**
 * Receives a message into `buffers`, one after the other. Returns the number of bytes. `info[1]` receives msg_flags,
 * and `info[2]` msg_controllen. If you pass `control`, you must close the descriptors in it. On Linux they are
 * close-on-exec. recvmsg(2)
 */
export function recvmsg(
  fd: number,
  buffers: Bytes[],
  control: Bytes | null = null,
  flags = 0,
  address: Bytes | null = null,
  addressLength: Int32Array | null = null,
  info: Int32Array | null = null,
): number {
  return raw.recvmsg(fd, buffers, control, flags, address, addressLength, info)
}

/** Sends `buffer`. Returns the number of bytes. send(2) */
export function send(fd: number, buffer: Bytes, flags = 0): number {
  return raw.send(fd, buffer, flags)
}

/** Sends `buffer` to an address. Returns the number of bytes. sendto(2) */
export function sendto(fd: number, buffer: Bytes, flags: number, address: Bytes): number {
  return raw.sendto(fd, buffer, flags, address)
}

/** Sends `buffers` as one message. Returns the number of bytes. `control` has complete cmsghdr entries. sendmsg(2) */
export function sendmsg(
  fd: number,
  buffers: Bytes[],
  control: Bytes | null = null,
  flags = 0,
  address: Bytes | null = null,
): number {
  return raw.sendmsg(fd, buffers, control, flags, address)
}

/**
 * Reads an option. `length[0]` is the size of `value` before the call, and the length of the result after it, in
 * bytes also for SO_GET_FILTER. getsockopt(2)
 *
 * Returns −EPERM if this package refuses the option: `value` contains a memory address (TCP_ZEROCOPY_RECEIVE), or a
 * count that exceeds its size (MCAST_MSFILTER).
 */
export function getsockopt(
  fd: number,
  level: number,
  name: number,
  value: Bytes,
  length: Int32Array,
): number {
  return raw.getsockopt(fd, level, name, value, length)
}

/**
 * Sets an option. `null` with a length is the NULL of C. setsockopt(2)
 *
 * Returns −EPERM if this package refuses the option, because `value` contains a memory address. These are
 * SO_ATTACH_FILTER and similar options, for which `setProgram` exists, and the tables of netfilter.
 */
export function setsockopt(
  fd: number,
  level: number,
  name: number,
  value: Bytes | null,
  length: number = value === null ? 0 : sizeOf(value),
): number {
  return raw.setsockopt(fd, level, name, value, length)
}

/**
 * Sets an option to a `struct sock_fprog` that points to `instructions`, a `struct sock_filter[]`. Works for
 * SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF and PACKET_FANOUT_DATA; returns −EPERM for every other option.
 * setsockopt(2)
 */
export function setProgram(fd: number, level: number, name: number, instructions: Bytes): number {
  return raw.setProgram(fd, level, name, instructions)
}

/**
 * Runs a request on a socket or an interface. Returns its result, and changes `argument` in place. Returns −EPERM for a
 * request that this package does not allow: it allows only requests whose argument is plain and small. ioctl(2)
 */
export function ioctl(fd: number, request: number, argument: Bytes): number {
  return raw.ioctl(fd, request, argument)
}

/**
 * Sends a part of a file. Returns the number of bytes. If `offset` is null, uses and moves the file position.
 * sendfile(2)
 */
export function sendfile(out: number, file: number, offset: number | null, count: number): number {
  return raw.sendfile(out, file, offset, count)
}

/**
 * Moves bytes between two descriptors, one of which must be a pipe. Returns the number of bytes. An offset of `null`
 * uses the file position. Linux only. splice(2)
 */
export function splice(
  from: number,
  fromOffset: number | null,
  to: number,
  toOffset: number | null,
  count: number,
  flags = 0,
): number {
  return raw.splice(from, fromOffset, to, toOffset, count, flags)
}

// If `buffer` is not bytes, the addon throws the error, which names the argument.
function sizeOf(buffer: Bytes): number {
  return ArrayBuffer.isView(buffer) ? byteLengthOf(buffer) : 0
}

// The address is not optional here, but null would select the addon's own memory: pass a value that the addon refuses.
function required(address: Bytes): Bytes {
  return address ?? (false as unknown as Bytes)
}
