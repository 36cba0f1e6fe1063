/**
 * The reasons why this package refuses an option or a request: `Refusal` of native/sys/platform.h. The errno is
 * EPERM, the same as from the kernel, so the text must say that the package refused.
 */
const reasons: Readonly<Record<number, string>> = {
  1: 'the value contains a memory address, which cannot be checked',
  2: 'the value makes the kernel write beyond its length',
  3: 'this option does not take a filter program',
  4: 'only requests whose argument is known to be plain and small are allowed',
}

const tables = 'an AF_NETLINK socket of NETLINK_NETFILTER'
const routes = 'an AF_NETLINK socket of NETLINK_ROUTE'
const generic = 'an AF_NETLINK socket of NETLINK_GENERIC'

/** What to use instead, by the name that the error shows. */
const instead: readonly [RegExp, string][] = [
  [/^(SO_ATTACH_|PACKET_FANOUT_DATA$)/, 'socket.set(options.$, program)'],
  [/^(TCP_ZEROCOPY_RECEIVE|MPTCP_FULL_INFO)$/, 'socket.get(options.$)'],
  [/^SO_PEERPIDFD$/, 'socket.get(options.SO_PEERPIDFD), which has room for the descriptor'],
  [/^(IP|MCAST)_MSFILTER$/, 'socket.get(query(options.$, filter))'],
  [/^TCP_AO_GET_KEYS$/, 'one call for each key'],
  [/^level (0 option (64|96|12[89]|13[01])|41 option 64)$/, tables],
  [/^SIOCGIFCONF$/, 'getifaddrs()'],
  [/^SIOC(ADD|DEL)RT$/, routes],
  [/^SIOC(ETHTOOL|[GS]HWTSTAMP)$/, generic],
]

/** The text of the refusal of SO_RCVTIMEO and SO_SNDTIMEO, which no operation of a Socket would honour. */
export const refusedTimeout =
  'bsd-sockets refuses this, not the kernel: it has no effect on sockets that do not block; ' +
  'use socket.timeout or { timeout }, and raw.setsockopt for a descriptor that another process gets'

/** Returns the text of a refusal, or undefined if the package did not refuse. */
export function refusal(reason: number, subject: string): string | undefined {
  const why = reasons[reason]
  if (why === undefined) return undefined
  const use = instead.find(each => each[0].test(subject))?.[1].replace('$', () => subject)
  return `bsd-sockets refuses this, not the kernel: ${why}${use === undefined ? '' : `; use ${use}`}`
}
