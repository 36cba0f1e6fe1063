// Prints the names of the system's headers that the tables lack: macros and enumerators that begin like
// those of the tables. For a person to look at now and then; new names are no failure.
//
//   node native/constants/drift.mjs [--cxx=c++]

import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const cxx = process.argv.find(each => each.startsWith('--cxx='))?.slice(6) ?? process.env.CXX ?? 'c++'

// Left out on purpose: the compiler's own, markers of the highest number, legacy names, flags that only whole
// other subsystems use (routing daemons, tunnel drivers, BPF programs), and names of packet fields.
const ignored = [
  /^__/,
  /_(MAX|MASK|LAST|UNSPEC|UNUSED|BITS|OFFSET)$/,
  /^(O|F|IN|IF|E|ADJ|STA|MOD)_|^SOCK_IOC_/,
  /^E[A-Z]+_/,
  /^AI_IDN_|^NI_IDN_/,
  /^BPF_(ALU64|F|PSEUDO|LL_OFF|NET_OFF|MAJOR|MINOR|OBJ|TAG|BUILD)/,
  /^CAN_(ERR_(CRTL|LOSTARB|PROT|TRX)_|MAX_|MCNET|NPROTO|TP|BUS_OFF|ERROR_)|^CANFD_MAX_DLC|^SCM_CAN_RAW/,
  /^CLONE_(?!NEW)/,
  /^CLOCK_(\w+_ALARM|\w+_CPUTIME_ID)/,
  /^(CTRL_ATTR_(OP|POLICY)|CTRL_CMD_|GENL_|TLS_INFO_|SK_DIAG_|SKNLGRP_)/,
  /^HWTSTAMP_FLAG_/,
  /^(ICMP6_(RR|FILTER|INFOMSG|ROUTER)|ICMPV6_EXT|ICMP_(AFI|EXT_CODE|EXT_ECHO_|EXT_ECHOREPLY_|REDIR|MAXTYPE|\w+LEN|\w+MIN))/,
  /^(IGMP_|ND_(NA|OPT|RA)_|IPPORT_[A-Z]+$|IPV6_(2292|PRIORITY|RX|TLV_IOAM)|IP_MSS|IP_PMTUDISC$)/,
  /^ICMP_(\w+_UNR_TOS|PARAMPROB_OPTABSENT|UNREACH_\w*PRECEDENCE\w*)$/,
  /^IPTOS_(CLASS_DEFAULT|LOWCOST)$/,
  /^IFF_(ATTACH|DETACH|NAPI|NOFILTER|NO_CARRIER|ONE_QUEUE|PERSIST|TUN_EXCL)/,
  /^(IFLA|IFA|NDA|RTA|RTN|RTPROT|RT_TABLE)_/,
  /^MPTCP_(ATTR|EVENT|PM|RST|SUBFLOW_ATTR|SUBFLOW_FLAG)_/,
  /^MSG_TRYHARD$|^SCM_SRCRT$|^NETLINK_(RX_RING|TX_RING|CONNECTED|UNCONNECTED)$/,
  /^PF_/,
  /^RTM_(F|NR)_|^RTM_\w+(BUCKET|TUNNEL|VLAN|CACHEREPORT|SETSTATS)$|^RTM_SETSTATS$|^RTNLGRP_(NOP|DECnet)/,
  /^SIOCGSTAMP(NS)?_NEW$/,
  /^TCP_(FLAG_|DATA_OFFSET|MSS_|QUEUES_NR|RESERVED)/,
  /^TIPC_(AEAD|CLUSTER|CONN_SHUTDOWN|DESTNAME|ERR|GROUP_|LINK|MAX|NODE|OK|REKEYING|RETDATA|SERVICE|SOCKET|ZONE)/,
  /^TLS_(\w+_VERSION_|CIPHER_(AES_CCM|ARIA|SM4)\w*_SIZE)/,
  /^XDP_(ATTACHED|FLAGS)_|^XSK_/,
  /^ARPHRD_IEEE802154_PHY$/,
]

const known = new Set()
for (const file of readdirSync(here).filter(each => each.endsWith('.tbl') && each !== 'layout.tbl')) {
  for (const line of readFileSync(path.join(here, file), 'utf8').split('\n')) {
    const words = line.trim().split(/\s+/)
    if (/^[MEF]$/.test(words[0])) known.add(words[1])
    else if (file === 'errno.tbl' && words[0].startsWith('E')) known.add(words[0])
  }
}
const prefixes = new Set([...known].map(name => /^[^_]+_/.exec(name)?.[0]).filter(Boolean))

function preprocess(...flags) {
  const header = path.join(here, 'system_headers.h')
  const run = spawnSync(cxx, ['-x', 'c++', '-std=c++17', '-E', '-P', ...flags, header], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (run.error !== undefined) throw run.error
  if (run.status !== 0) throw new Error(run.stderr)
  return run.stdout
}

const found = new Set()
for (const line of preprocess('-dM').split('\n')) {
  const match = /^#define (\w+) \S/.exec(line)
  if (match !== null) found.add(match[1])
}
for (const [, body] of preprocess().matchAll(/\benum\b[^{;()]*\{([^}]*)\}/g)) {
  for (const part of body.split(',')) {
    const match = /^\s*(\w+)/.exec(part)
    if (match !== null) found.add(match[1])
  }
}

const missing = [...found]
  .filter(name => !known.has(name) && prefixes.has(/^[^_]+_/.exec(name)?.[0]))
  .filter(name => !ignored.some(pattern => pattern.test(name)))
missing.sort()
for (const name of missing) console.log(name)
console.error(`${missing.length} names of the headers are not in the tables`)
