/*
 * The words of the filter language, and the numbers behind its names. All are fixed: by pcap-filter(7), IEEE or IANA.
 */

/** What `proto` numbers mean: the payload of Ethernet, the protocols of IP, the packet types of OSI. */
export interface Protocol {
  /** Which header has the number. */
  readonly in: 'link' | 'ip' | 'ip4' | 'ip6' | 'iso' | 'isis'
  /** The numbers; the packet has one of them. */
  readonly numbers: readonly number[]
}

export const ETHERTYPE = {
  ip: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  ip6: 0x86dd,
  ipx: 0x8137,
  atalk: 0x809b,
  aarp: 0x80f3,
  decnet: 0x6003,
  lat: 0x6004,
  sca: 0x6007,
  mopdl: 0x6001,
  moprc: 0x6002,
  loopback: 0x9000,
  vlan: 0x8100,
  provider: 0x88a8,
  qinq: 0x9100,
  mpls: 0x8847,
  pppoed: 0x8863,
  pppoes: 0x8864,
} as const

/** Service access points of IEEE 802.2. As a link protocol, numbers up to 1500 mean these. */
export const LLC = { ip: 0x06, stp: 0x42, snap: 0xaa, ipx: 0xe0, netbeui: 0xf0, iso: 0xfe } as const

const link = (number: number): Protocol => ({ in: 'link', numbers: [number] })
const ip = (number: number): Protocol => ({ in: 'ip', numbers: [number] })
const ip4 = (number: number): Protocol => ({ in: 'ip4', numbers: [number] })
const isis = (...numbers: number[]): Protocol => ({ in: 'isis', numbers })

/** The names of protocols: each is a primitive, and a qualifier of others. */
export const protocols = new Map<string, Protocol>([
  ['ip', link(ETHERTYPE.ip)],
  ['ip6', link(ETHERTYPE.ip6)],
  ['arp', link(ETHERTYPE.arp)],
  ['rarp', link(ETHERTYPE.rarp)],
  ['atalk', link(ETHERTYPE.atalk)],
  ['aarp', link(ETHERTYPE.aarp)],
  ['decnet', link(ETHERTYPE.decnet)],
  ['lat', link(ETHERTYPE.lat)],
  ['sca', link(ETHERTYPE.sca)],
  ['mopdl', link(ETHERTYPE.mopdl)],
  ['moprc', link(ETHERTYPE.moprc)],
  ['iso', link(LLC.iso)],
  ['stp', link(LLC.stp)],
  ['ipx', link(LLC.ipx)],
  ['netbeui', link(LLC.netbeui)],
  ['tcp', ip(6)],
  ['udp', ip(17)],
  ['sctp', ip(132)],
  ['icmp', ip4(1)],
  ['igmp', ip4(2)],
  ['igrp', ip4(9)],
  ['vrrp', ip4(112)],
  ['carp', ip4(112)],
  ['pim', ip(103)],
  ['ah', ip(51)],
  ['esp', ip(50)],
  ['icmp6', { in: 'ip6', numbers: [58] }],
  ['clnp', { in: 'iso', numbers: [0x81] }],
  ['esis', { in: 'iso', numbers: [0x82] }],
  ['es-is', { in: 'iso', numbers: [0x82] }],
  ['isis', { in: 'iso', numbers: [0x83] }],
  ['is-is', { in: 'iso', numbers: [0x83] }],
  ['l1', isis(26, 24, 18, 17, 15)],
  ['l2', isis(27, 25, 20, 17, 16)],
  ['iih', isis(17, 16, 15)],
  ['lsp', isis(20, 18)],
  ['snp', isis(27, 26, 25, 24)],
  ['csnp', isis(25, 24)],
  ['psnp', isis(27, 26)],
])

/** Other names of the link layer. */
export const linkNames: ReadonlySet<string> = new Set(['link', 'ether', 'ppp', 'slip', 'fddi', 'tr', 'wlan'])

/** Protocols with ports. */
export const withPorts: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['sctp', 132],
])

/** The names of IP protocols, after `proto`. From the registry of IANA, with the names of /etc/protocols. */
export const ipProtocols: ReadonlyMap<string, number> = new Map([
  ['ip', 0],
  ['hopopt', 0],
  ['icmp', 1],
  ['igmp', 2],
  ['ggp', 3],
  ['ipencap', 4],
  ['st', 5],
  ['tcp', 6],
  ['egp', 8],
  ['igp', 9],
  ['pup', 12],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['ipv6-route', 43],
  ['ipv6-frag', 44],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['ipv6-icmp', 58],
  ['ipv6-nonxt', 59],
  ['ipv6-opts', 60],
  ['eigrp', 88],
  ['ospf', 89],
  ['ipip', 94],
  ['etherip', 97],
  ['pim', 103],
  ['ipcomp', 108],
  ['vrrp', 112],
  ['l2tp', 115],
  ['isis', 124],
  ['sctp', 132],
  ['udplite', 136],
  ['mpls-in-ip', 137],
])

/** The names of link protocols, after `ether proto`. */
export const linkProtocols: ReadonlyMap<string, number> = new Map([
  ...['ip', 'ip6', 'arp', 'rarp', 'atalk', 'aarp', 'decnet', 'lat', 'sca', 'mopdl', 'moprc', 'loopback'].map(
    name => [name, ETHERTYPE[name as keyof typeof ETHERTYPE]] as const,
  ),
  ...(['iso', 'stp', 'ipx', 'netbeui'] as const).map(name => [name, LLC[name]] as const),
])

/** The names of OSI protocols, after `iso proto`. */
export const isoProtocols: ReadonlyMap<string, number> = new Map([
  ['clnp', 0x81],
  ['esis', 0x82],
  ['isis', 0x83],
])

/** Formats of 802.2 frames, after `llc`, as their bits in the first byte of the control field. */
export const llcFormats: ReadonlyMap<string, { value: number; mask: number }> = new Map([
  ['i', { value: 0, mask: 0x01 }],
  ['s', { value: 0x01, mask: 0x03 }],
  ['u', { value: 0x03, mask: 0x03 }],
  ...Object.entries({ rr: 0x01, rnr: 0x05, rej: 0x09 }).map(each => sub(each, 0x0f)),
  ...Object.entries({ ui: 0x03, ua: 0x63, disc: 0x43, test: 0xe3, sabme: 0x6f, xid: 0xaf, frmr: 0x87 }).map(
    each => sub(each, 0xef),
  ),
])

function sub([name, value]: [string, number], mask: number): [string, { value: number; mask: number }] {
  return [name, { value, mask }]
}

const icmp6Types = [
  'routersolicit',
  'routeradvert',
  'neighborsolicit',
  'neighboradvert',
  'redirect',
  'routerrenum',
  'nodeinformationquery',
  'nodeinformationresponse',
  'ineighbordiscoverysolicit',
  'ineighbordiscoveryadvert',
  'multicastlistenerreportv2',
  'homeagentdiscoveryrequest',
  'homeagentdiscoveryreply',
  'mobileprefixsolicit',
  'mobileprefixadvert',
  'certpathsolicit',
  'certpathadvert',
]

const tcpFlags = ['fin', 'syn', 'rst', 'push', 'ack', 'urg', 'ece', 'cwr']

/** Names of numbers: offsets of fields, and values of them. */
export const numbers: ReadonlyMap<string, number> = new Map([
  ...Object.entries({
    icmptype: 0,
    icmpcode: 1,
    icmp6type: 0,
    icmp6code: 1,
    tcpflags: 13,
    'icmp-echoreply': 0,
    'icmp-unreach': 3,
    'icmp-sourcequench': 4,
    'icmp-redirect': 5,
    'icmp-echo': 8,
    'icmp-routeradvert': 9,
    'icmp-routersolicit': 10,
    'icmp-timxceed': 11,
    'icmp-paramprob': 12,
    'icmp-tstamp': 13,
    'icmp-tstampreply': 14,
    'icmp-ireq': 15,
    'icmp-ireqreply': 16,
    'icmp-maskreq': 17,
    'icmp-maskreply': 18,
    'icmp6-destinationunreach': 1,
    'icmp6-packettoobig': 2,
    'icmp6-timeexceeded': 3,
    'icmp6-parameterproblem': 4,
    'icmp6-echo': 128,
    'icmp6-echoreply': 129,
    'icmp6-multicastlistenerquery': 130,
    'icmp6-multicastlistenerreportv1': 131,
    'icmp6-multicastlistenerdone': 132,
    'icmp6-multicastrouteradvert': 151,
    'icmp6-multicastroutersolicit': 152,
    'icmp6-multicastrouterterm': 153,
  }),
  ...icmp6Types.map((name, i): [string, number] => [`icmp6-${name}`, 133 + i]),
  ...tcpFlags.map((name, i): [string, number] => [`tcp-${name}`, 1 << i]),
])

/** The words of the language besides the names of protocols. */
export const words: ReadonlySet<string> = new Set([
  ...['src', 'dst', 'host', 'net', 'mask', 'port', 'portrange', 'proto', 'protochain', 'gateway'],
  ...['less', 'greater', 'broadcast', 'multicast', 'and', 'or', 'not', 'len', 'length'],
  ...['inbound', 'outbound', 'ifindex', 'vlan', 'mpls', 'pppoed', 'pppoes', 'llc', 'rnr'],
])

/** Words for other link layers or other systems. */
export const unsupported: ReadonlySet<string> = new Set([
  ...['radio', 'type', 'subtype', 'direction', 'dir', 'byte', 'geneve'],
  ...['address1', 'addr1', 'address2', 'addr2', 'address3', 'addr3', 'address4', 'addr4', 'ra', 'ta'],
  ...['lane', 'metac', 'bcc', 'oam', 'oamf4', 'oamf4ec', 'oamf4sc', 'sc', 'ilmic', 'vpi', 'vci'],
  ...['connectmsg', 'metaconnect', 'on', 'ifname', 'rset', 'ruleset', 'rulenum', 'srnr', 'subrulenum'],
  ...['reason', 'action', 'fisu', 'lssu', 'lsu', 'msu', 'hfisu', 'hlssu', 'hmsu', 'sio', 'opc', 'dpc', 'sls'],
  ...['hsio', 'hopc', 'hdpc', 'hsls'],
])
