import { darwin as darwinBase, linux as linuxBase } from '../../helpers/platforms'
import { codecContext, type CodecContext } from '../../../lib/options/codecs/basic'

/** Parses the layout of a struct: `name size field@offset:width …` */
function structs(text: string): Record<string, number> {
  const rows: Record<string, number> = {}
  for (const line of text.trim().split('\n')) {
    const [name, size, ...fields] = line.trim().split(' ')
    rows[`sizeof_${name}`] = Number(size)
    for (const field of fields) {
      const [, at, offset, width] = /^(\w+)@(\d+):?(\d*)$/.exec(field)!
      rows[`offsetof_${name}_${at}`] = Number(offset)
      if (width !== '') rows[`sizeof_${name}_${at}`] = Number(width)
    }
  }
  return rows
}

const common = `
  linger 8 l_onoff@0:4 l_linger@4:4
  ip_mreq 8 imr_multiaddr@0:4 imr_interface@4:4
  ip_mreqn 12 imr_multiaddr@0:4 imr_address@4:4 imr_ifindex@8:4
  ipv6_mreq 20 ipv6mr_multiaddr@0:16 ipv6mr_interface@16:4
  in6_pktinfo 20 ipi6_addr@0:16 ipi6_ifindex@16:4
  ip6_mtuinfo 32 ip6m_addr@0:28 ip6m_mtu@28:4
`

/** A host with one interface, eth0. */
const interfaces = {
  indexOf: (name: string) => (name === 'eth0' ? 3 : 0),
  nameOf: (index: number) => (index === 3 ? 'eth0' : null),
}

/** Linux on any 64-bit machine. */
export const linux: CodecContext = codecContext(
  {
    os: 'linux',
    constants: {
      ...linuxBase.constants,
      MCAST_INCLUDE: 1,
      MCAST_EXCLUDE: 0,
      TCP_MD5SIG_FLAG_PREFIX: 1,
      TCP_MD5SIG_FLAG_IFINDEX: 2,
      TLS_CIPHER_AES_GCM_128: 51,
      TLS_CIPHER_AES_GCM_256: 52,
      TLS_CIPHER_CHACHA20_POLY1305: 54,
      TPACKET_V3: 2,
    },
    layout: {
      ...linuxBase.layout,
      ...structs(`${common}
      timeval 16 tv_sec@0:8 tv_usec@8:8
      ucred 12 pid@0:4 uid@4:4 gid@8:4
      sock_txtime 8 clockid@0:4 flags@4:4
      ip_mreq_source 12 imr_multiaddr@0:4 imr_interface@4:4 imr_sourceaddr@8:4
      ip_msfilter 20 imsf_multiaddr@0:4 imsf_interface@4:4 imsf_fmode@8:4 imsf_numsrc@12:4 imsf_slist@16
      group_req 136 gr_interface@0:4 gr_group@8:128
      group_source_req 264 gsr_interface@0:4 gsr_group@8:128 gsr_source@136:128
      group_filter 272 gf_interface@0:4 gf_group@8:128 gf_fmode@136:4 gf_numsrc@140:4 gf_slist@144
      in6_flowlabel_req 32 flr_dst@0:16 flr_label@16:4 flr_action@20:1 flr_share@21:1 flr_flags@22:2 flr_expires@24:2 flr_linger@26:2
      tcp_md5sig 216 tcpm_addr@0:128 tcpm_flags@128:1 tcpm_prefixlen@129:1 tcpm_keylen@130:2 tcpm_ifindex@132:4 tcpm_key@136:80
      tcp_repair_opt 8 opt_code@0:4 opt_val@4:4
      tcp_repair_window 20 snd_wl1@0:4 snd_wnd@4:4 max_window@8:4 rcv_wnd@12:4 rcv_wup@16:4
      tls12_crypto_info_aes_gcm_128 40 info@0:4 iv@4:8 key@12:16 salt@28:4 rec_seq@32:8
      tls12_crypto_info_aes_gcm_256 56 info@0:4 iv@4:8 key@12:32 salt@44:4 rec_seq@48:8
      tls12_crypto_info_chacha20_poly1305 56 info@0:4 iv@4:12 key@16:32 salt@48:0 rec_seq@48:8
      packet_mreq 16 mr_ifindex@0:4 mr_type@4:2 mr_alen@6:2 mr_address@8:8
      tpacket_req 16 tp_block_size@0:4 tp_block_nr@4:4 tp_frame_size@8:4 tp_frame_nr@12:4
      tpacket_req3 28 tp_block_size@0:4 tp_block_nr@4:4 tp_frame_size@8:4 tp_frame_nr@12:4 tp_retire_blk_tov@16:4 tp_sizeof_priv@20:4 tp_feature_req_word@24:4
      tpacket_stats_v3 12 tp_packets@0:4 tp_drops@4:4 tp_freeze_q_cnt@8:4
      tpacket_rollover_stats 24 tp_all@0:8 tp_huge@8:8 tp_failed@16:8
      xdp_umem_reg 32 addr@0:8 len@8:8 chunk_size@16:4 headroom@20:4 flags@24:4
      xdp_ring_offset 32 producer@0:8 consumer@8:8 desc@16:8 flags@24:8
      xdp_mmap_offsets 128 rx@0:32 tx@32:32 fr@64:32 cr@96:32
      xdp_statistics 48 rx_dropped@0:8 rx_invalid_descs@8:8 tx_invalid_descs@16:8 rx_ring_full@24:8 rx_fill_ring_empty_descs@32:8 tx_ring_empty_descs@40:8
    `),
    },
  },
  interfaces,
)

/** Darwin on any 64-bit machine. */
export const darwin: CodecContext = codecContext(
  {
    os: 'darwin',
    constants: { ...darwinBase.constants, MCAST_INCLUDE: 1, MCAST_EXCLUDE: 2 },
    layout: {
      ...darwinBase.layout,
      ...structs(`${common}
      timeval 16 tv_sec@0:8 tv_usec@8:4
      xucred 76 cr_version@0:4 cr_uid@4:4 cr_ngroups@8:2 cr_groups@12:64
      ip_mreq_source 12 imr_multiaddr@0:4 imr_sourceaddr@4:4 imr_interface@8:4
      group_req 132 gr_interface@0:4 gr_group@4:128
      group_source_req 260 gsr_interface@0:4 gsr_group@4:128 gsr_source@132:128
      tcp_connection_info 112 tcpi_state@0:1 tcpi_snd_wscale@1:1 tcpi_rcv_wscale@2:1 tcpi_options@4:4 tcpi_flags@8:4 tcpi_rto@12:4 tcpi_maxseg@16:4 tcpi_snd_ssthresh@20:4 tcpi_snd_cwnd@24:4 tcpi_snd_wnd@28:4 tcpi_snd_sbbytes@32:4 tcpi_rcv_wnd@36:4 tcpi_rttcur@40:4 tcpi_srtt@44:4 tcpi_rttvar@48:4 tcpi_txpackets@56:8 tcpi_txbytes@64:8 tcpi_txretransmitbytes@72:8 tcpi_rxpackets@80:8 tcpi_rxbytes@88:8 tcpi_rxoutoforderbytes@96:8 tcpi_txretransmitpackets@104:8
    `),
    },
  },
  interfaces,
)
