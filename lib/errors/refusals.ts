/**
 * Why the package itself refuses an option or a request: `Refusal` of native/sys/platform.h, where the lists are.
 * The errno is EPERM, as the kernel's own would be, so the text has to say whose it is.
 */
const reasons: Readonly<Record<number, string>> = {
  1: 'the value holds an address in memory, which nothing can check',
  2: 'the value makes the kernel write further than its length',
  3: 'this option takes no filter program',
  4: 'only requests whose argument is known to be plain and small are passed on',
}

const tables = 'an AF_NETLINK socket of NETLINK_NETFILTER'
const routes = 'an AF_NETLINK socket of NETLINK_ROUTE'
const generic = 'an AF_NETLINK socket of NETLINK_GENERIC'

/** What does the same, by the name or the text that the error shows. */
const instead: readonly [RegExp, string][] = [
  [/^(SO_ATTACH_|PACKET_FANOUT_DATA$)/, 'socket.set(options.$, program)'],
  [/^(TCP_ZEROCOPY_RECEIVE|MPTCP_FULL_INFO)$/, 'socket.get(options.$)'],
  [/^(IP|MCAST)_MSFILTER$/, 'socket.get(query(options.$, filter))'],
  [/^TCP_AO_GET_KEYS$/, 'one question for each key'],
  [/^level (0 option (64|96|12[89]|13[01])|41 option 64)$/, tables],
  [/^SIOCGIFCONF$/, 'getifaddrs()'],
  [/^SIOC(ADD|DEL)RT$/, routes],
  [/^SIOC(ETHTOOL|[GS]HWTSTAMP)$/, generic],
]

/** The text of a refusal, or undefined where it was not the package that refused. */
export function refusal(reason: number, subject: string): string | undefined {
  const why = reasons[reason]
  if (why === undefined) return undefined
  const use = instead.find(([names]) => names.test(subject))?.[1].replace('$', () => subject)
  return `bsd-sockets refuses this, not the kernel: ${why}${use === undefined ? '' : `; use ${use}`}`
}
