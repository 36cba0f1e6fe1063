// SOL_PACKET, in the order of <linux/if_packet.h>. Linux only. packet(7) Left out: PACKET_RECV_OUTPUT, which the
// kernel removed, and PACKET_TX_TIMESTAMP, a type of control message.
import { SOL_PACKET } from '../constants'
import {
  bool,
  fanout,
  filterOrDescriptor,
  headerLength,
  int,
  packetMreq,
  packetRing,
  packetStatistics,
  rolloverStatistics,
  uint32,
} from './codec'
import { optionsOf } from './option'

const { both, get, set } = optionsOf(SOL_PACKET)

/**
 * Enables promiscuous mode, all multicast, or one address, `PACKET_MR_*`, until the socket is closed. Linux only.
 * packet(7)
 */
export const PACKET_ADD_MEMBERSHIP = set('PACKET_ADD_MEMBERSHIP', packetMreq)
/** Removes a membership. Removing one that does not exist is no error. Linux only. packet(7) */
export const PACKET_DROP_MEMBERSHIP = set('PACKET_DROP_MEMBERSHIP', packetMreq)
/**
 * Creates the ring for received frames, after which recv(2) receives none. All 0 removes it. Linux only. packet(7)
 *
 * The block size must be a multiple of the page size, and the frame size a multiple of 16 bytes. The blocks must
 * hold exactly the number of frames, else `EINVAL`. `openPacket({ ring })` does all of this.
 */
export const PACKET_RX_RING = set('PACKET_RX_RING', packetRing)
/** The numbers of received and dropped frames since the last read, which resets them. Linux only. packet(7) */
export const PACKET_STATISTICS = get('PACKET_STATISTICS', packetStatistics)
/** Also queues frames that are longer than a slot of the ring, up to this number of bytes. Linux only. */
export const PACKET_COPY_THRESH = both('PACKET_COPY_THRESH', int)
/** Delivers PACKET_AUXDATA, the only source of a VLAN tag that the kernel removed. Linux only. packet(7) */
export const PACKET_AUXDATA = both('PACKET_AUXDATA', bool)
/** Makes the address of a frame name the physical interface, not the one stacked on it. Linux only. */
export const PACKET_ORIGDEV = both('PACKET_ORIGDEV', bool)
/** The format of the rings, `TPACKET_V1` to `TPACKET_V3`. `EBUSY` if a ring exists. Linux only. packet(7) */
export const PACKET_VERSION = both('PACKET_VERSION', int)
/**
 * The size of a frame header in bytes, in a TPACKET_V3 ring or in the version given with `query`. Linux only.
 * packet(7)
 */
export const PACKET_HDRLEN = get('PACKET_HDRLEN', headerLength)
/** The number of bytes reserved before each frame of the ring. Linux only. packet(7) */
export const PACKET_RESERVE = both('PACKET_RESERVE', uint32)
/** Creates the ring for frames to send; see PACKET_RX_RING. Linux only. packet(7) */
export const PACKET_TX_RING = set('PACKET_TX_RING', packetRing)
/** Skips malformed frames of the transmit ring instead of stopping. Linux only. packet(7) */
export const PACKET_LOSS = both('PACKET_LOSS', bool)
/**
 * Prefixes frames with a `struct virtio_net_hdr` and allows up to 64 KiB each. SOCK_RAW, else `EINVAL`. Linux only.
 */
export const PACKET_VNET_HDR = both('PACKET_VNET_HDR', bool)
/** The clock of the timestamps in the ring, `SOF_TIMESTAMPING_*`. Linux only. packet(7) */
export const PACKET_TIMESTAMP = both('PACKET_TIMESTAMP', int)
/**
 * Distributes the frames of an interface over several sockets. The socket must be bound, else `EINVAL`. Linux only.
 * packet(7)
 */
export const PACKET_FANOUT = both('PACKET_FANOUT', fanout)
/** Reads the offset of the data from each frame of the transmit ring. Linux only. */
export const PACKET_TX_HAS_OFF = both('PACKET_TX_HAS_OFF', bool)
/** Bypasses the queueing discipline: a full device drops frames instead of queueing them. Linux only. packet(7) */
export const PACKET_QDISC_BYPASS = both('PACKET_QDISC_BYPASS', bool)
/** Counts the frames that rolled over to another socket. `EINVAL` without PACKET_FANOUT_ROLLOVER. Linux only. */
export const PACKET_ROLLOVER_STATS = get('PACKET_ROLLOVER_STATS', rolloverStatistics)
/**
 * The BPF program that selects the socket: a classic one as instructions, an extended one as a descriptor. Linux
 * only.
 */
export const PACKET_FANOUT_DATA = set('PACKET_FANOUT_DATA', filterOrDescriptor)
/** Excludes frames that this host sends. Linux only (4.20). */
export const PACKET_IGNORE_OUTGOING = both('PACKET_IGNORE_OUTGOING', bool)
/** The size of the header of PACKET_VNET_HDR in bytes: 10 or 12, 0 for none. Linux only (6.6). */
export const PACKET_VNET_HDR_SZ = both('PACKET_VNET_HDR_SZ', int)
