import { AddressCodec } from '../../../lib/address'
import { ControlLayout } from '../../../lib/control/layout'
import { MetaDecoder } from '../../../lib/control/meta'
import type { Platform } from '../../../lib/platform'
import { darwin as darwinBase, linux as linuxBase } from '../../helpers/platforms'

/** Both systems, with the layouts of control messages: <sys/socket.h>, <netinet/in.h>, <linux/errqueue.h> and more. */
export const linux: Platform = {
  os: 'linux',
  constants: {
    ...linuxBase.constants,
    SOL_SOCKET: 1,
    SCM_RIGHTS: 1,
    SCM_CREDENTIALS: 2,
    SCM_SECURITY: 3,
    SCM_TIMESTAMP: 29,
    SCM_TIMESTAMPNS: 35,
    SCM_TIMESTAMPING: 37,
    SO_TIMESTAMPING: 37,
    SO_TIMESTAMP_NEW: 63,
    SO_TIMESTAMPNS_NEW: 64,
    SO_TIMESTAMPING_NEW: 65,
    SO_MARK: 36,
    SO_PRIORITY: 12,
    SO_RXQ_OVFL: 40,
    SCM_TXTIME: 61,
    SCM_TS_OPT_ID: 81,
    SCM_INQ: 84,
    IPPROTO_IP: 0,
    IP_PKTINFO: 8,
    IP_TTL: 2,
    IP_TOS: 1,
    IP_RETOPTS: 7,
    IP_ORIGDSTADDR: 20,
    IP_CHECKSUM: 23,
    IP_RECVFRAGSIZE: 25,
    IP_PROTOCOL: 52,
    IP_RECVERR: 11,
    IPPROTO_IPV6: 41,
    IPV6_PKTINFO: 50,
    IPV6_HOPLIMIT: 52,
    IPV6_TCLASS: 67,
    IPV6_FLOWINFO: 11,
    IPV6_DONTFRAG: 62,
    IPV6_PATHMTU: 61,
    IPV6_HOPOPTS: 54,
    IPV6_DSTOPTS: 59,
    IPV6_RTHDR: 57,
    IPV6_ORIGDSTADDR: 74,
    IPV6_RECVFRAGSIZE: 77,
    IPV6_RECVERR: 25,
    IPPROTO_UDP: 17,
    UDP_GRO: 104,
    UDP_SEGMENT: 103,
    IPPROTO_TCP: 6,
    TCP_CM_INQ: 36,
    SOL_PACKET: 263,
    PACKET_AUXDATA: 8,
    PACKET_TX_TIMESTAMP: 16,
    TP_STATUS_VLAN_VALID: 16,
    TP_STATUS_VLAN_TPID_VALID: 64,
    SOL_NETLINK: 270,
    NETLINK_PKTINFO: 3,
    NETLINK_LISTEN_ALL_NSID: 8,
    SOL_TLS: 282,
    TLS_GET_RECORD_TYPE: 2,
    TLS_SET_RECORD_TYPE: 1,
    SO_EE_ORIGIN_NONE: 0,
    SO_EE_ORIGIN_LOCAL: 1,
    SO_EE_ORIGIN_ICMP: 2,
    SO_EE_ORIGIN_ICMP6: 3,
    SO_EE_ORIGIN_TIMESTAMPING: 4,
    SO_EE_ORIGIN_ZEROCOPY: 5,
    SO_EE_ORIGIN_TXTIME: 6,
    SCM_TSTAMP_SND: 0,
    SCM_TSTAMP_SCHED: 1,
    SCM_TSTAMP_ACK: 2,
    SCM_TSTAMP_COMPLETION: 3,
  },
  layout: {
    ...linuxBase.layout,
    cmsg_align: 8,
    sizeof_cmsghdr: 16,
    sizeof_cmsghdr_cmsg_len: 8,
    offsetof_cmsghdr_cmsg_level: 8,
    offsetof_cmsghdr_cmsg_type: 12,
    sizeof_sock_extended_err: 16,
    ...places(
      'sock_extended_err',
      'ee_errno 0 4 ee_origin 4 1 ee_type 5 1 ee_code 6 1 ee_info 8 4 ee_data 12 4',
    ),
    sizeof_tpacket_auxdata: 20,
    ...places(
      'tpacket_auxdata',
      'tp_status 0 4 tp_len 4 4 tp_snaplen 8 4 tp_mac 12 2 tp_net 14 2 tp_vlan_tci 16 2 tp_vlan_tpid 18 2',
    ),
  },
}

export const darwin: Platform = {
  os: 'darwin',
  constants: {
    ...darwinBase.constants,
    SOL_SOCKET: 0xffff,
    SCM_RIGHTS: 1,
    SCM_TIMESTAMP: 2,
    IPPROTO_IP: 0,
    IP_PKTINFO: 26,
    IP_TTL: 4,
    IP_TOS: 3,
    IP_RETOPTS: 8,
    IP_RECVDSTADDR: 7,
    IP_RECVIF: 20,
    IP_RECVTTL: 24,
    IP_RECVTOS: 27,
    IPPROTO_IPV6: 41,
    IPV6_PKTINFO: 46,
    IPV6_HOPLIMIT: 47,
    IPV6_TCLASS: 36,
    IPV6_DONTFRAG: 62,
    IPV6_PATHMTU: 44,
    IPPROTO_UDP: 17,
    IPPROTO_TCP: 6,
  },
  layout: {
    ...darwinBase.layout,
    cmsg_align: 4,
    sizeof_cmsghdr: 12,
    sizeof_cmsghdr_cmsg_len: 4,
    offsetof_cmsghdr_cmsg_level: 4,
    offsetof_cmsghdr_cmsg_type: 8,
  },
}

function places(struct: string, text: string): Record<string, number> {
  const words = text.split(' ')
  const rows: Record<string, number> = {}
  for (let i = 0; i < words.length; i += 3) {
    rows[`offsetof_${struct}_${words[i]!}`] = Number(words[i + 1])
    rows[`sizeof_${struct}_${words[i]!}`] = Number(words[i + 2])
  }
  return rows
}

export const interfaces = {
  indexOf: (name: string): number => (name === 'eth7' ? 7 : 0),
  nameOf: (index: number): string => (index === 7 ? 'eth7' : ''),
}

/** Returns all decoders and encoders for one system. */
export function roomsOf(platform: Platform) {
  const addresses = new AddressCodec(platform, interfaces)
  return {
    platform,
    addresses,
    layout: new ControlLayout(platform),
    meta: new MetaDecoder(platform, addresses),
  }
}
