/**
 * The system calls on plain descriptors: integers in, `≥ 0` or `−errno` out. No exception for an error of
 * the system, nothing remembered, nothing closed for you. Only arguments of the wrong kind throw.
 *
 * Arguments stand in C's order. What C fills through an `int *` or `socklen_t *` is an `Int32Array` here,
 * and addresses are the bytes of a sockaddr. Four things differ from C, each for safety: descriptors
 * are made close-on-exec, sockets non-blocking (`fcntl` changes both), no send raises SIGPIPE, and a call
 * that a signal interrupted is repeated (`connect` and `close` are not).
 *
 * A descriptor that you made blocking, and a file that is not in memory, block the event loop.
 */
import { byteLengthOf } from './struct'
import { native } from './binding/binding'

const raw = native.raw

/** Bytes of any kind. */
export type Bytes = ArrayBufferView

/** socket(2): the descriptor, close-on-exec and non-blocking. */
export function socket(domain: number, type: number, protocol = 0): number {
  return raw.socket(domain, type, protocol)
}

/** socketpair(2): 0, and both descriptors in `fds`. */
export function socketpair(domain: number, type: number, protocol: number, fds: Int32Array): number {
  return raw.socketpair(domain, type, protocol, fds)
}

/** close(2), once. */
export function close(fd: number): number {
  return raw.close(fd)
}

/** A duplicate, close-on-exec (`F_DUPFD_CLOEXEC`). */
export function dup(fd: number): number {
  return raw.dup(fd)
}

/** fcntl(2), for commands whose argument is a number; −EINVAL for the rest. */
export function fcntl(fd: number, command: number, argument = 0): number {
  return raw.fcntl(fd, command, argument)
}

/** bind(2). */
export function bind(fd: number, address: Bytes): number {
  return raw.bind(fd, address)
}

/** connect(2): −EINPROGRESS while it is on its way. */
export function connect(fd: number, address: Bytes): number {
  return raw.connect(fd, address)
}

/** listen(2). */
export function listen(fd: number, backlog: number): number {
  return raw.listen(fd, backlog)
}

/** accept(2): the new descriptor. `addressLength` goes in as the room in `address` and out as the length. */
export function accept(
  fd: number,
  address: Bytes | null = null,
  addressLength: Int32Array | null = null,
): number {
  return raw.accept(fd, address, addressLength)
}

/** getsockname(2). */
export function getsockname(fd: number, address: Bytes, addressLength: Int32Array): number {
  return raw.getsockname(fd, required(address), addressLength)
}

/** getpeername(2). */
export function getpeername(fd: number, address: Bytes, addressLength: Int32Array): number {
  return raw.getpeername(fd, required(address), addressLength)
}

/** shutdown(2). */
export function shutdown(fd: number, how: number): number {
  return raw.shutdown(fd, how)
}

/** recv(2): bytes. */
export function recv(fd: number, buffer: Bytes, flags = 0): number {
  return raw.recv(fd, buffer, flags)
}

/** recvfrom(2): bytes, and the sender in `address`. */
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
 * recvmsg(2): bytes, spread over `buffers`. `info[1]` receives msg_flags and `info[2]` msg_controllen. On Linux
 * received descriptors are close-on-exec; whoever gives a control buffer must close them.
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

/** send(2): bytes. */
export function send(fd: number, buffer: Bytes, flags = 0): number {
  return raw.send(fd, buffer, flags)
}

/** sendto(2): bytes. */
export function sendto(fd: number, buffer: Bytes, flags: number, address: Bytes): number {
  return raw.sendto(fd, buffer, flags, undefined, undefined, address)
}

/** sendmsg(2): bytes, gathered from `buffers`. `control` holds complete cmsghdr entries. */
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
 * getsockopt(2). `length` goes in as the room in `value` and out as the length, in bytes also for
 * SO_GET_FILTER. Returns −EPERM where the package refuses: `value` holds an address in memory
 * (TCP_ZEROCOPY_RECEIVE), or counts more than it has room for (MCAST_MSFILTER).
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
 * setsockopt(2). `null` with a length is C's NULL. Returns −EPERM where the package refuses, since `value` holds an
 * address in memory: SO_ATTACH_FILTER and its kin, for which there is `setProgram`, and the tables of netfilter.
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
 * setsockopt(2) with a `struct sock_fprog` that points at the `struct sock_filter[]`: SO_ATTACH_FILTER,
 * SO_ATTACH_REUSEPORT_CBPF and PACKET_FANOUT_DATA, −EPERM for every other option.
 */
export function setProgram(fd: number, level: number, name: number, instructions: Bytes): number {
  return raw.setProgram(fd, level, name, instructions)
}

/**
 * ioctl(2), for sockets and interfaces: its result; the argument is changed in place. Returns −EPERM for every request
 * whose argument the package does not know to be plain and small.
 */
export function ioctl(fd: number, request: number, argument: Bytes): number {
  return raw.ioctl(fd, request, argument)
}

/** sendfile(2): bytes. With `offset` null the file's own position is used and moved. */
export function sendfile(out: number, file: number, offset: number | null, count: number): number {
  return raw.sendfile(out, file, offset, count)
}

/** splice(2), Linux: bytes. One end has to be a pipe; `null` offsets use a file's own position. */
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

// What is not bytes is left to the addon, which names the argument.
function sizeOf(buffer: Bytes): number {
  return ArrayBuffer.isView(buffer) ? byteLengthOf(buffer) : 0
}

// Here the address is not optional, and null would mean the addon's own memory.
function required(address: Bytes): Bytes {
  return address ?? (false as unknown as Bytes)
}
