import { get16, get32, put16, put32, structOf } from '../../struct'
import { Program } from '../../bpf/program'
import type { FilterInstruction } from '../../bpf/opcodes'
import { checkInteger, outOfRange } from '../../errors/argument'
import { checkList, checkObject, padded, uint32, type Codec } from './basic'
import { fixedStruct, listOf, perPlatform, rowsAt, struct } from './struct'

/** The credentials of a process: `struct ucred`. unix(7) */
export interface Ucred {
  pid: number
  uid: number
  gid: number
}

/** `struct ucred`, the credentials of the peer's process. */
export const ucred: Codec<Ucred> = struct('ucred', { pid: 'int', uid: 'uint', gid: 'uint' }, {})

/** Describes the user of the peer as reported by Darwin. The first of `groups` is the effective group. */
export interface PeerUser {
  version: number
  uid: number
  groups: number[]
}

const xucredPlaces = perPlatform(platform =>
  structOf(platform, 'xucred', ['cr_version', 'cr_uid', 'cr_ngroups', 'cr_groups']),
)

/** `struct xucred`. Darwin only. */
export const xucred: Codec<PeerUser, never> = {
  size: platform => xucredPlaces(platform)?.size,
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode(platform, bytes) {
    const places = xucredPlaces(platform)
    if (places === null) return { version: 0, uid: 0, groups: [] }
    const { size, offset, width } = places
    const whole = padded(bytes, size)
    const room = Math.floor(width.cr_groups / 4)
    const count = Math.min(Math.max(0, get16(whole, offset.cr_ngroups)), room)
    return {
      version: get32(whole, offset.cr_version),
      uid: get32(whole, offset.cr_uid),
      groups: Array.from({ length: count }, (_, i) => get32(whole, offset.cr_groups + 4 * i)),
    }
  },
}

/** Describes the requested timestamps and their hardware clock. */
export interface Timestamping {
  /** `SOF_TIMESTAMPING_*`. */
  flags: number
  /** The index of the PTP clock for `SOF_TIMESTAMPING_BIND_PHC`, else 0. */
  bindPhc: number
}

/** The timestamps to request: `SOF_TIMESTAMPING_*`, or also their hardware clock. */
export type TimestampingLike = number | { readonly flags: number; readonly bindPhc?: number | undefined }

/** `struct so_timestamping`. A number sets the flags only, the form of kernels before 5.14. */
export const timestamping: Codec<Timestamping, TimestampingLike> = {
  size: 8,
  encode(platform, value, argument) {
    if (typeof value === 'number') return uint32.encode(platform, value, argument)
    const { flags, bindPhc } = checkObject(argument, value)
    const bytes = new Uint8Array(8)
    put32(bytes, 0, checkInteger(`${argument}.flags`, flags, 0, 0xffffffff))
    if (bindPhc !== undefined) put32(bytes, 4, checkInteger(`${argument}.bindPhc`, bindPhc, 0, 0x7fffffff))
    return bytes
  },
  decode(_platform, bytes) {
    const whole = padded(bytes, 8)
    return { flags: get32(whole, 0), bindPhc: get32(whole, 4) | 0 }
  },
}

/** The clock and the flags of SCM_TXTIME: `struct sock_txtime`. */
export interface SockTxtime {
  /** `CLOCK_*`. */
  clockid: number
  /** `SOF_TXTIME_*`. */
  flags: number
}

/** `struct sock_txtime`. */
export const txtime: Codec<SockTxtime> = struct('sock_txtime', { clockid: 'int', flags: 'uint' }, {})

/** Describes the memory use of a socket in bytes, and its dropped packets; the fields are those of SK_MEMINFO_*. */
export interface MemoryInfo {
  rmem_alloc: number
  rcvbuf: number
  wmem_alloc: number
  sndbuf: number
  fwd_alloc: number
  wmem_queued: number
  optmem: number
  backlog: number
  /** The number of packets dropped by this socket. */
  drops: number
}

/** `u32[9]` of SO_MEMINFO. */
export const meminfo = fixedStruct<MemoryInfo>(
  36,
  rowsAt(
    0,
    4,
    'uint',
    false,
    'rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops',
  ),
)

/** A range of fragments of device memory: `struct dmabuf_token`. */
export interface DmabufToken {
  token_start: number
  token_count: number
}

/** Ranges of fragments of device memory to return. */
export const dmabufTokens = listOf(
  fixedStruct<DmabufToken>(8, rowsAt(0, 4, 'uint', false, 'token_start token_count')),
  8,
  1024,
)

const INSTRUCTION = 8
const MAX_INSTRUCTIONS = 4096

/** A program that `bpf` created, or a list of instructions. */
export type FilterProgram = Program | readonly Readonly<FilterInstruction>[]

/** A classic BPF program. The kernel gets a pointer to the instructions. */
export const filter: Codec<FilterInstruction[], FilterProgram> = {
  size: INSTRUCTION * MAX_INSTRUCTIONS,
  isProgram: () => true,
  encode(_platform, value, argument) {
    if (value instanceof Program) return value.bytes
    const list = checkList(argument, value)
    if (list.length < 1 || list.length > MAX_INSTRUCTIONS) {
      throw outOfRange(`${argument}.length`, `>= 1 && <= ${MAX_INSTRUCTIONS}`, list.length)
    }
    const bytes = new Uint8Array(INSTRUCTION * list.length)
    list.forEach((each, i) => {
      const { code, jt, jf, k } = checkObject(`${argument}[${i}]`, each)
      const at = INSTRUCTION * i
      put16(bytes, at, checkInteger(`${argument}[${i}].code`, code, 0, 0xffff))
      bytes[at + 2] = checkInteger(`${argument}[${i}].jt`, jt, 0, 0xff)
      bytes[at + 3] = checkInteger(`${argument}[${i}].jf`, jf, 0, 0xff)
      put32(bytes, at + 4, checkInteger(`${argument}[${i}].k`, k, 0, 0xffffffff))
    })
    return bytes
  },
  decode: (_platform, bytes) =>
    Array.from({ length: Math.floor(bytes.length / INSTRUCTION) }, (_, i) => {
      const at = INSTRUCTION * i
      return { code: get16(bytes, at), jt: bytes[at + 2]!, jf: bytes[at + 3]!, k: get32(bytes, at + 4) }
    }),
}

/** A classic program as instructions, or an extended one as a descriptor: PACKET_FANOUT_DATA. */
export const filterOrDescriptor: Codec<number, number | FilterProgram> = {
  size: 4,
  isProgram: value => typeof value !== 'number',
  encode: (platform, value, argument) =>
    typeof value === 'number'
      ? descriptor.encode(platform, value, argument)
      : filter.encode(platform, value, argument),
  decode: (platform, bytes) => descriptor.decode(platform, bytes),
}

/** A file descriptor. Each read returns a new one, which the caller must close. */
export const descriptor: Codec<number> = {
  size: 4,
  encode: (platform, value, argument) =>
    uint32.encode(platform, checkInteger(argument, value, 0, 0x7fffffff), argument),
  decode: (platform, bytes) => uint32.decode(platform, bytes) | 0,
}
