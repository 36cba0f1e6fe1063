import type { Address } from '../../address'
import { get32, littleEndian, put16, put32, structOf } from '../../struct'
import { checkInteger, outOfRange } from '../../errors/argument'
import { checkObject, checkView, padded, type Codec, type InterfaceLike } from './basic'
import { checkInterface, encodeHost, sockaddr } from './inet'
import {
  fixedStruct,
  layoutRows,
  listOf,
  perPlatform,
  readRows,
  rowsAt,
  struct,
  type FieldType,
} from './struct'

/** Describes the state of a TCP connection. Times are in microseconds unless stated otherwise. tcp(7) */
export interface TcpInfo {
  /** The state of the connection, `TCP_ESTABLISHED` and so on. */
  tcpi_state: number
  /** The congestion state, `TCP_CA_*`. */
  tcpi_ca_state: number
  tcpi_retransmits: number
  tcpi_probes: number
  tcpi_backoff: number
  /** `TCPI_OPT_*`. */
  tcpi_options: number
  tcpi_snd_wscale: number
  tcpi_rcv_wscale: number
  /** Not 0 if the application sent too little to reach the delivery rate of the connection. */
  tcpi_delivery_rate_app_limited: number
  /** The reason why a fast open failed. Since Linux 5.7. */
  tcpi_fastopen_client_fail: number
  tcpi_rto: number
  tcpi_ato: number
  tcpi_snd_mss: number
  tcpi_rcv_mss: number
  tcpi_unacked: number
  tcpi_sacked: number
  tcpi_lost: number
  tcpi_retrans: number
  tcpi_fackets: number
  /** Milliseconds since the last data was sent. */
  tcpi_last_data_sent: number
  tcpi_last_ack_sent: number
  /** Milliseconds since the last data was received. */
  tcpi_last_data_recv: number
  /** Milliseconds since the last acknowledgement was received. */
  tcpi_last_ack_recv: number
  tcpi_pmtu: number
  tcpi_rcv_ssthresh: number
  tcpi_rtt: number
  tcpi_rttvar: number
  tcpi_snd_ssthresh: number
  tcpi_snd_cwnd: number
  tcpi_advmss: number
  tcpi_reordering: number
  tcpi_rcv_rtt: number
  tcpi_rcv_space: number
  tcpi_total_retrans: number
  /** Bytes per second. Since Linux 3.15. */
  tcpi_pacing_rate?: bigint
  tcpi_max_pacing_rate?: bigint
  /** Since Linux 4.1. */
  tcpi_bytes_acked?: bigint
  tcpi_bytes_received?: bigint
  /** Since Linux 4.2. */
  tcpi_segs_out?: number
  tcpi_segs_in?: number
  /** Since Linux 4.6. */
  tcpi_notsent_bytes?: number
  tcpi_min_rtt?: number
  tcpi_data_segs_in?: number
  tcpi_data_segs_out?: number
  /** Bytes per second. Since Linux 4.9. */
  tcpi_delivery_rate?: bigint
  /** Since Linux 4.10. */
  tcpi_busy_time?: bigint
  tcpi_rwnd_limited?: bigint
  tcpi_sndbuf_limited?: bigint
  /** Since Linux 4.18. */
  tcpi_delivered?: number
  tcpi_delivered_ce?: number
  /** Since Linux 4.19. */
  tcpi_bytes_sent?: bigint
  tcpi_bytes_retrans?: bigint
  tcpi_dsack_dups?: number
  tcpi_reord_seen?: number
  /** Since Linux 5.4. */
  tcpi_rcv_ooopack?: number
  tcpi_snd_wnd?: number
  /** Since Linux 6.2. */
  tcpi_rcv_wnd?: number
  tcpi_rehash?: number
  /** Since Linux 6.7. */
  tcpi_total_rto?: number
  tcpi_total_rto_recoveries?: number
  /** The total time in retransmission timeouts in milliseconds. */
  tcpi_total_rto_time?: number
  /** Since Linux 6.17, for accurate ECN. */
  tcpi_received_ce?: number
  tcpi_delivered_e1_bytes?: number
  tcpi_delivered_e0_bytes?: number
  tcpi_delivered_ce_bytes?: number
  tcpi_received_e1_bytes?: number
  tcpi_received_e0_bytes?: number
  tcpi_received_ce_bytes?: number
}

const prefix = (start: number, width: number, type: FieldType, optional: boolean, names: string) =>
  rowsAt(start, width, type, optional, names.replace(/\S+/g, 'tcpi_$&'))

// The kernel only appends fields, so these offsets are valid even if the headers are older than the kernel.
const tcpInfoRows = [
  ...prefix(0, 1, 'uint', false, 'state ca_state retransmits probes backoff options'),
  ...prefix(8, 4, 'uint', false, 'rto ato snd_mss rcv_mss unacked sacked lost retrans fackets'),
  ...prefix(
    44,
    4,
    'uint',
    false,
    'last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu rcv_ssthresh',
  ),
  ...prefix(68, 4, 'uint', false, 'rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space'),
  ...prefix(100, 4, 'uint', false, 'total_retrans'),
  ...prefix(104, 8, 'uint64', true, 'pacing_rate max_pacing_rate bytes_acked bytes_received'),
  ...prefix(136, 4, 'uint', true, 'segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out'),
  ...prefix(160, 8, 'uint64', true, 'delivery_rate busy_time rwnd_limited sndbuf_limited'),
  ...prefix(192, 4, 'uint', true, 'delivered delivered_ce'),
  ...prefix(200, 8, 'uint64', true, 'bytes_sent bytes_retrans'),
  ...prefix(216, 4, 'uint', true, 'dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash'),
  ...prefix(240, 2, 'uint', true, 'total_rto total_rto_recoveries'),
  ...prefix(244, 4, 'uint', true, 'total_rto_time received_ce delivered_e1_bytes delivered_e0_bytes'),
  ...prefix(260, 4, 'uint', true, 'delivered_ce_bytes received_e1_bytes received_e0_bytes received_ce_bytes'),
]

/** Returns a bit-field. `from` counts from the bit that the compiler uses first, which depends on the byte order. */
function bits(byte: number, from: number, count: number): number {
  // uncovered: only on a big-endian machine
  return (byte >>> (littleEndian ? from : 8 - from - count)) & ((1 << count) - 1)
}

function readTcpInfo(bytes: Uint8Array): TcpInfo {
  const [scale = 0, flags = 0] = [bytes[6], bytes[7]]
  const info = readRows(tcpInfoRows, bytes)
  info['tcpi_snd_wscale'] = bits(scale, 0, 4)
  info['tcpi_rcv_wscale'] = bits(scale, 4, 4)
  info['tcpi_delivery_rate_app_limited'] = bits(flags, 0, 1)
  info['tcpi_fastopen_client_fail'] = bits(flags, 1, 2)
  return info as unknown as TcpInfo
}

/** `struct tcp_info` in the length that the kernel returns. Fields that the kernel does not have are absent. */
export const tcpInfo: Codec<TcpInfo, never> = {
  size: ({ os }) => (os === 'linux' ? 512 : undefined),
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode: (_platform, bytes) => readTcpInfo(bytes),
}

/** Describes the state of a TCP connection of macOS: `struct tcp_connection_info`. Times are in milliseconds. */
export interface TcpConnectionInfo {
  tcpi_state: number
  tcpi_snd_wscale: number
  tcpi_rcv_wscale: number
  tcpi_options: number
  tcpi_flags: number
  tcpi_rto: number
  tcpi_maxseg: number
  tcpi_snd_ssthresh: number
  tcpi_snd_cwnd: number
  tcpi_snd_wnd: number
  tcpi_snd_sbbytes: number
  tcpi_rcv_wnd: number
  tcpi_rttcur: number
  tcpi_srtt: number
  tcpi_rttvar: number
  tcpi_txpackets: bigint
  tcpi_txbytes: bigint
  tcpi_txretransmitbytes: bigint
  tcpi_rxpackets: bigint
  tcpi_rxbytes: bigint
  tcpi_rxoutoforderbytes: bigint
  tcpi_txretransmitpackets: bigint
}

const connectionFields = {
  tcpi_state: 'uint', tcpi_snd_wscale: 'uint', tcpi_rcv_wscale: 'uint', tcpi_options: 'uint', tcpi_flags: 'uint',
  tcpi_rto: 'uint', tcpi_maxseg: 'uint', tcpi_snd_ssthresh: 'uint', tcpi_snd_cwnd: 'uint', tcpi_snd_wnd: 'uint',
  tcpi_snd_sbbytes: 'uint', tcpi_rcv_wnd: 'uint', tcpi_rttcur: 'uint', tcpi_srtt: 'uint', tcpi_rttvar: 'uint',
  tcpi_txpackets: 'uint64', tcpi_txbytes: 'uint64', tcpi_txretransmitbytes: 'uint64', tcpi_rxpackets: 'uint64',
  tcpi_rxbytes: 'uint64', tcpi_rxoutoforderbytes: 'uint64', tcpi_txretransmitpackets: 'uint64',
} as const // prettier-ignore

/** `struct tcp_connection_info`. Darwin only. Times are in milliseconds. */
export const tcpConnectionInfo: Codec<TcpConnectionInfo, never> = struct(
  'tcp_connection_info',
  connectionFields,
)

/** Describes a key that signs the segments of a connection to one peer (RFC 2385). */
export interface Md5Key {
  /** The numeric address of the peer. */
  address: string
  /** The key, up to 80 bytes. An empty key removes it. */
  key: ArrayBufferView
}

/** Describes a key for a network of peers. */
export interface Md5KeyExtended extends Md5Key {
  /** The number of leading bits of the address that must match. */
  prefixLength?: number | undefined
  /** Limits the key to peers on this interface. */
  interface?: InterfaceLike | undefined
}

const md5Places = perPlatform(platform =>
  structOf(platform, 'tcp_md5sig', ['tcpm_addr', 'tcpm_flags', 'tcpm_prefixlen', 'tcpm_keylen', 'tcpm_key']),
)

/** `struct tcp_md5sig` with all fields. */
export const md5KeyExtended: Codec<never, Md5KeyExtended> = {
  size: context => md5Places(context)?.size,
  encode(context, value, argument) {
    const fields = checkObject(argument, value)
    const { size, offset, width } = md5Places(context)!
    const key = checkView(`${argument}.key`, fields['key'])
    if (key.length > width.tcpm_key)
      throw outOfRange(`${argument}.key`, `at most ${width.tcpm_key} bytes long`, key)
    const bytes = new Uint8Array(size)
    bytes.set(encodeHost(context, `${argument}.address`, fields['address']), offset.tcpm_addr)
    bytes.set(key, offset.tcpm_key)
    put16(bytes, offset.tcpm_keylen, key.length)
    const { prefixLength } = fields
    if (prefixLength !== undefined) {
      bytes[offset.tcpm_flags]! |= context.constants['TCP_MD5SIG_FLAG_PREFIX']!
      bytes[offset.tcpm_prefixlen] = checkInteger(`${argument}.prefixLength`, prefixLength, 0, 128)
    }
    if (fields['interface'] !== undefined) {
      bytes[offset.tcpm_flags]! |= context.constants['TCP_MD5SIG_FLAG_IFINDEX']!
      // tcpm_ifindex follows tcpm_keylen; headers before 5.6 call it padding.
      put32(
        bytes,
        offset.tcpm_keylen + 2,
        checkInterface(context, `${argument}.interface`, fields['interface']),
      )
    }
    return bytes
  },
  decode: () => undefined as never,
}

/** `struct tcp_md5sig` without the fields that TCP_MD5SIG ignores. */
export const md5Key: Codec<never, Md5Key> = {
  ...md5KeyExtended,
  encode(platform, value, argument) {
    const { address, key } = checkObject(argument, value) as unknown as Md5Key
    return md5KeyExtended.encode(platform, { address, key }, argument)
  },
}

/** A TCP option to restore: `struct tcp_repair_opt`. */
export interface TcpRepairOption {
  opt_code: number
  opt_val: number
}

/** The TCP options of a connection during TCP_REPAIR. */
export const repairOptions: Codec<TcpRepairOption[], readonly TcpRepairOption[]> = listOf(
  struct('tcp_repair_opt', { opt_code: 'uint', opt_val: 'uint' }, {}),
  8,
  16,
)

/** The window of a connection to restore: `struct tcp_repair_window`. */
export interface TcpRepairWindow {
  snd_wl1: number
  snd_wnd: number
  max_window: number
  rcv_wnd: number
  rcv_wup: number
}

/** `struct tcp_repair_window`. */
export const repairWindow: Codec<TcpRepairWindow> = struct(
  'tcp_repair_window',
  {
    snd_wl1: 'uint',
    snd_wnd: 'uint',
    max_window: 'uint',
    rcv_wnd: 'uint',
    rcv_wup: 'uint',
  },
  {},
)

/** Describes what a zero-copy receive could map now. The pointers of the struct stay NULL. */
export interface ZeroCopyState {
  length: number
  recv_skip_hint: number
  /** The number of bytes in the receive queue. */
  inq: number
  err: number
}

// The following fields are pointers, which native code refuses.
const PLAIN_FIELDS = 24
export const zeroCopyReceive: Codec<ZeroCopyState, never> = fixedStruct<ZeroCopyState>(PLAIN_FIELDS, [
  ...rowsAt(8, 4, 'uint', false, 'length recv_skip_hint inq'),
  ...rowsAt(20, 4, 'int', false, 'err'),
])

/** Describes the state of a multipath connection. */
export interface MptcpInfo {
  mptcpi_subflows: number
  mptcpi_add_addr_signal: number
  mptcpi_add_addr_accepted: number
  mptcpi_subflows_max: number
  mptcpi_add_addr_signal_max: number
  mptcpi_add_addr_accepted_max: number
  /** `MPTCP_INFO_FLAG_*`. */
  mptcpi_flags: number
  mptcpi_token: number
  mptcpi_write_seq: bigint
  mptcpi_snd_una: bigint
  mptcpi_rcv_nxt: bigint
  /** Since Linux 5.14. */
  mptcpi_local_addr_used?: number
  mptcpi_local_addr_max?: number
  mptcpi_csum_enabled?: number
  /** Since Linux 6.5. */
  mptcpi_retransmits?: number
  mptcpi_bytes_retrans?: bigint
  mptcpi_bytes_sent?: bigint
  mptcpi_bytes_received?: bigint
  mptcpi_bytes_acked?: bigint
  /** Since Linux 6.8. */
  mptcpi_subflows_total?: number
  /** Milliseconds since the last data was sent. Since Linux 6.11. */
  mptcpi_last_data_sent?: number
  mptcpi_last_data_recv?: number
  mptcpi_last_ack_recv?: number
}

const mptcpNames = (names: string): string => names.replace(/\S+/g, 'mptcpi_$&')
const limits =
  'subflows add_addr_signal add_addr_accepted subflows_max add_addr_signal_max add_addr_accepted_max'
const mptcpRows = [
  ...rowsAt(0, 1, 'uint', false, mptcpNames(limits)),
  ...rowsAt(8, 4, 'uint', false, mptcpNames('flags token')),
  ...rowsAt(16, 8, 'uint64', false, mptcpNames('write_seq snd_una rcv_nxt')),
  ...rowsAt(40, 1, 'uint', true, mptcpNames('local_addr_used local_addr_max csum_enabled')),
  ...rowsAt(44, 4, 'uint', true, mptcpNames('retransmits')),
  ...rowsAt(48, 8, 'uint64', true, mptcpNames('bytes_retrans bytes_sent bytes_received bytes_acked')),
  ...rowsAt(80, 1, 'uint', true, mptcpNames('subflows_total')),
  ...rowsAt(84, 4, 'uint', true, mptcpNames('last_data_sent last_data_recv last_ack_recv')),
]

/** `struct mptcp_info` in the length that the kernel returns. */
export const mptcpInfo: Codec<MptcpInfo, never> = fixedStruct<MptcpInfo>(256, mptcpRows)

const HEADER = 16
const SUBFLOWS = 16

/** A list of structs, one for each subflow. A `struct mptcp_subflow_data` before them contains their size. */
function subflows<T>(
  size: number,
  decode: (...from: Parameters<Codec<T>['decode']>) => T,
): Codec<T[], never> {
  return {
    size: HEADER + SUBFLOWS * size,
    encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
    request() {
      const bytes = new Uint8Array(HEADER + SUBFLOWS * size)
      put32(bytes, 0, HEADER)
      put32(bytes, 12, size)
      return bytes
    },
    decode(platform, bytes) {
      const head = padded(bytes, HEADER)
      // The kernel reduces the given struct size to its own, and packs the structs with that size.
      const [count, stride] = [get32(head, 4), get32(head, 12)]
      const present =
        stride === 0 ? 0 : Math.min(count, Math.floor(Math.max(0, bytes.length - HEADER) / stride))
      return Array.from({ length: present }, (_, i) => {
        const at = HEADER + i * stride
        return decode(platform, bytes.subarray(at, at + stride))
      })
    },
  }
}

/** A `struct tcp_info` for each subflow. */
export const mptcpTcpInfo = subflows(512, (_platform, bytes) => readTcpInfo(bytes))

/** Describes the addresses of a subflow. */
export interface SubflowAddresses {
  local: Address | null
  remote: Address | null
}

/** A `struct mptcp_subflow_addrs` for each subflow. */
export const mptcpAddresses = subflows<SubflowAddresses>(256, (platform, bytes) => ({
  local: sockaddr.decode(platform, bytes.subarray(0, 128)),
  remote: sockaddr.decode(platform, bytes.subarray(128, 256)),
}))

/** `struct mptcp_full_info` without its arrays. */
export interface MptcpFullInfo {
  size_tcpinfo_kernel: number
  size_sfinfo_kernel: number
  num_subflows: number
  mptcp_info: MptcpInfo
}

const FULL_HEAD = 40
const fullRows = [
  ...rowsAt(0, 4, 'uint', false, 'size_tcpinfo_kernel'),
  ...rowsAt(8, 4, 'uint', false, 'size_sfinfo_kernel'),
  ...rowsAt(16, 4, 'uint', false, 'num_subflows'),
]
export const mptcpFullInfo: Codec<MptcpFullInfo, never> = {
  size: 512,
  encode: () => new Uint8Array(0), // uncovered: a read-only option is never encoded
  decode: (_platform, bytes) =>
    ({
      ...readRows(fullRows, bytes),
      mptcp_info: readRows(mptcpRows, bytes.subarray(FULL_HEAD)),
    }) as unknown as MptcpFullInfo,
}

/** Describes the key of one direction of a connection whose TLS records the kernel encrypts. */
export interface TlsCryptoInfo {
  /** `TLS_1_2_VERSION` or `TLS_1_3_VERSION`. */
  version: number
  /** The cipher, `TLS_CIPHER_*`, which determines the lengths of the other fields. */
  cipher_type: number
  iv: ArrayBufferView
  key: ArrayBufferView
  salt: ArrayBufferView
  rec_seq: ArrayBufferView
}

const parts = { iv: 'bytes', key: 'bytes', salt: 'bytes', rec_seq: 'bytes' } as const
const ciphers = perPlatform(platform => {
  const known = ['AES_GCM_128', 'AES_GCM_256', 'CHACHA20_POLY1305'].flatMap(name => {
    const struct = `tls12_crypto_info_${name.toLowerCase()}`
    const rows = layoutRows(platform, struct, parts)
    const number = platform.constants[`TLS_CIPHER_${name}`]
    if (rows === null || number === undefined) return []
    return [[number, { rows, size: platform.layout[`sizeof_${struct}`]! }] as const]
  })
  return new Map(known)
})
const largest = (platform: Parameters<typeof ciphers>[0]): number =>
  Math.max(0, ...[...ciphers(platform).values()].map(({ size }) => size))

/** `struct tls12_crypto_info_…` of AES-GCM-128, AES-GCM-256 and ChaCha20-Poly1305. */
export const tlsCryptoInfo: Codec<TlsCryptoInfo> = {
  size: platform => (ciphers(platform).size > 0 ? largest(platform) : undefined),
  encode(platform, value, argument) {
    const fields = checkObject(argument, value)
    const type = checkInteger(`${argument}.cipher_type`, fields['cipher_type'], 0, 0xffff)
    const cipher = ciphers(platform).get(type)
    if (cipher === undefined)
      throw outOfRange(`${argument}.cipher_type`, 'a TLS_CIPHER_* constant of a supported cipher', type)
    const bytes = new Uint8Array(cipher.size)
    put16(bytes, 0, checkInteger(`${argument}.version`, fields['version'], 0, 0xffff))
    put16(bytes, 2, type)
    for (const { name, at, width } of cipher.rows) {
      const part = checkView(`${argument}.${name}`, fields[name])
      if (part.length !== width)
        throw outOfRange(`${argument}.${name}`, `exactly ${width} bytes long`, fields[name])
      bytes.set(part, at)
    }
    return bytes
  },
  decode(platform, bytes) {
    const whole = padded(bytes, largest(platform))
    const head = get32(padded(bytes, 4), 0)
    // uncovered: only on a big-endian machine
    const [version, type] = littleEndian ? [head & 0xffff, head >>> 16] : [head >>> 16, head & 0xffff]
    const none = Buffer.alloc(0)
    const cipher = ciphers(platform).get(type)
    const secrets =
      cipher === undefined ? { iv: none, key: none, salt: none, rec_seq: none } : readRows(cipher.rows, whole)
    return { version, cipher_type: type, ...secrets } as TlsCryptoInfo
  },
}
