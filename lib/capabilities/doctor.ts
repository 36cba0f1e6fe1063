/*
 * The report of `npx bsd-sockets doctor`: the features that work here, those that are missing, and how to get them.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import path from 'node:path'
import { capabilities, type Capability } from './index'
import { libc } from '../binding/system'
import { privileges, type Privilege } from './privileges'
import { append } from '../runtime/list'

/** A setting of the system or a limit of the process. */
export interface Limit {
  readonly name: string
  readonly value: string
  readonly meaning: string
}

/** The whole report. `--json` prints it unchanged. */
export interface Report {
  readonly version: string
  readonly platform: string
  readonly arch: string
  readonly libc: string
  readonly kernel: string
  readonly node: string
  readonly uid: number
  readonly privileges: Readonly<Record<Privilege, boolean>>
  readonly capabilities: readonly Capability[]
  readonly limits: readonly Limit[]
}

const settings: Record<string, [name: string, meaning: string][]> = {
  linux: [
    ['net.core.somaxconn', 'limit of the backlog of listen'],
    ['net.core.rmem_max', 'limit of SO_RCVBUF in bytes (SO_RCVBUFFORCE may exceed it)'],
    ['net.core.wmem_max', 'limit of SO_SNDBUF in bytes (SO_SNDBUFFORCE may exceed it)'],
    [
      'net.core.optmem_max',
      'limit of the memory of a socket for control messages, filters and zero-copy, in bytes',
    ],
    ['net.unix.max_dgram_qlen', 'datagrams that an AF_UNIX socket queues before the sender has to wait'],
    ['net.ipv4.ping_group_range', 'group ids that may use ICMP echo without privileges (1 0: none)'],
    ['net.ipv4.ip_unprivileged_port_start', 'the first port that needs no privilege to bind'],
  ],
  darwin: [
    ['kern.ipc.somaxconn', 'limit of the backlog of listen'],
    ['kern.ipc.maxsockbuf', 'limit of SO_RCVBUF and SO_SNDBUF together, in bytes'],
    ['net.local.dgram.maxdgram', 'limit of an AF_UNIX datagram in bytes'],
    ['net.inet.udp.maxdgram', 'limit of a UDP datagram in bytes'],
  ],
}

const uses: Record<Privilege, string> = {
  CAP_NET_BIND_SERVICE: 'ports below net.ipv4.ip_unprivileged_port_start',
  CAP_NET_ADMIN: 'SO_RCVBUFFORCE, a filter on a TCP socket, changes over netlink',
  CAP_NET_RAW: 'raw IP, AF_PACKET, AF_XDP',
  CAP_SYS_ADMIN: 'options.netns',
}

/** Collects the report. */
export function examine(): Report {
  const manifest = readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8')
  return {
    version: (JSON.parse(manifest) as { version: string }).version,
    platform: process.platform,
    arch: process.arch,
    libc: libc(),
    kernel: release(),
    node: process.version,
    uid: process.geteuid!(),
    privileges: privileges(),
    capabilities: capabilities(),
    limits: limits(),
  }
}

function limits(): Limit[] {
  const found: Limit[] = []
  for (const [name, meaning] of settings[process.platform] ?? []) {
    const value = setting(name)
    if (value !== null) append(found, { name, value, meaning })
  }
  const { userLimits } = process.report.getReport() as {
    userLimits?: Record<string, { soft: number | string }>
  }
  const ofProcess: [name: string, key: string, meaning: string][] = [
    [
      'ulimit -l',
      'max_locked_memory_bytes',
      'limit of the memory that MSG_ZEROCOPY and rings may lock, in bytes',
    ],
    ['ulimit -n', 'open_files', 'limit of open descriptors of this process'],
  ]
  for (const [name, key, meaning] of ofProcess) {
    const limit = userLimits?.[key]
    if (limit !== undefined) append(found, { name, value: String(limit.soft), meaning })
  }
  return found
}

/** Reads a sysctl. Returns null if it does not exist or cannot be read. */
function setting(name: string): string | null {
  try {
    const text =
      process.platform === 'darwin'
        ? execFileSync('sysctl', ['-n', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        : readFileSync(path.join('/proc/sys', ...name.split('.')), 'latin1')
    return text.trim().replace(/\s+/g, ' ')
  } catch {
    return null
  }
}

/** Formats a report as text. */
export function render(report: Report): string {
  const supported = report.capabilities.filter(each => each.supported)
  const missing = report.capabilities.filter(each => !each.supported)
  const { version, platform, arch, kernel, node, uid } = report
  const width = Math.max(...report.capabilities.map(each => each.feature.length))
  const row = ({ feature, description }: Capability): string => `  ${feature.padEnd(width)}  ${description}`
  const indent = ' '.repeat(width + 4)
  const lines = [
    `bsd-sockets ${version} on ${platform}-${arch}, ${report.libc}, kernel ${kernel}, Node.js ${node}, uid ${uid}`,
    '',
    `Works (${supported.length})`,
    ...supported.map(row),
    '',
    `Missing (${missing.length})`,
    ...missing.flatMap(each => [
      row(each),
      `${indent}${each.reason}`,
      ...(each.remedy === undefined ? [] : [`${indent}→ ${each.remedy}`]),
    ]),
    '',
    'Privileges of this process',
    ...columns(Object.entries(report.privileges).map(([name, has]) => [name, has ? 'yes' : 'no', uses[name as Privilege]])), // prettier-ignore
    '',
    'Limits',
    ...columns(report.limits.map(({ name, value, meaning }) => [name, value, meaning])),
  ]
  return `${lines.join('\n')}\n`
}

function columns(rows: string[][]): string[] {
  // uncovered: for the type checker: the table always has a row
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
}
