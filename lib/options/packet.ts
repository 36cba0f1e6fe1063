// SOL_PACKET, in the order of <linux/if_packet.h>. Linux only. packet(7)
// Left out: PACKET_RECV_OUTPUT, which the kernel dropped, and PACKET_TX_TIMESTAMP, a type of control message.
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

/** Promiscuous mode, all multicast or an address, `PACKET_MR_*`, until the socket is closed. Linux only. packet(7) */
export const PACKET_ADD_MEMBERSHIP = set('PACKET_ADD_MEMBERSHIP', packetMreq)
/** Takes a membership back; one that is not there is no error. Linux only. packet(7) */
export const PACKET_DROP_MEMBERSHIP = set('PACKET_DROP_MEMBERSHIP', packetMreq)
/**
 * Makes the ring for received frames. Blocks are pages, frames a multiple of 16 bytes and as many as fit
 * (`EINVAL`); recv(2) gets no frame from then on. All 0 frees it. `openPacket({ ring })` does it all. Linux only.
 * packet(7)
 */
export const PACKET_RX_RING = set('PACKET_RX_RING', packetRing)
/** Frames received and dropped since the last time: reading resets the numbers. Linux only. packet(7) */
export const PACKET_STATISTICS = get('PACKET_STATISTICS', packetStatistics)
/** Frames longer than a slot of the ring are also queued, up to this many bytes. Linux only. */
export const PACKET_COPY_THRESH = both('PACKET_COPY_THRESH', int)
/** Delivers PACKET_AUXDATA, the only source of a VLAN tag that was taken off. Linux only. packet(7) */
export const PACKET_AUXDATA = both('PACKET_AUXDATA', bool)
/** The address of a frame names the interface that it came in by, and not the one on top. Linux only. */
export const PACKET_ORIGDEV = both('PACKET_ORIGDEV', bool)
/** `TPACKET_V1` to `TPACKET_V3`: the form of the rings, `EBUSY` once there is one. Linux only. packet(7) */
export const PACKET_VERSION = both('PACKET_VERSION', int)
/** Bytes of a frame's header in a ring of TPACKET_V3, or of the version given with `query`. Linux only. packet(7) */
export const PACKET_HDRLEN = get('PACKET_HDRLEN', headerLength)
/** Bytes left free before each frame of the ring. Linux only. packet(7) */
export const PACKET_RESERVE = both('PACKET_RESERVE', uint32)
/** Makes the ring for frames to send; see PACKET_RX_RING. Linux only. packet(7) */
export const PACKET_TX_RING = set('PACKET_TX_RING', packetRing)
/** Skips malformed frames of the sending ring instead of stopping. Linux only. packet(7) */
export const PACKET_LOSS = both('PACKET_LOSS', bool)
/** Frames begin with a `struct virtio_net_hdr`, and may be up to 64 KiB. SOCK_RAW, else `EINVAL`. Linux only. */
export const PACKET_VNET_HDR = both('PACKET_VNET_HDR', bool)
/** `SOF_TIMESTAMPING_*`: the clock of the timestamps in the ring. Linux only. packet(7) */
export const PACKET_TIMESTAMP = both('PACKET_TIMESTAMP', int)
/** Shares the frames of an interface with other sockets. The socket must be bound, else `EINVAL`. Linux only. packet(7) */
export const PACKET_FANOUT = both('PACKET_FANOUT', fanout)
/** The frames of the sending ring say where their data is. Linux only. */
export const PACKET_TX_HAS_OFF = both('PACKET_TX_HAS_OFF', bool)
/** Sends past the queueing discipline: drops instead of waiting. Linux only. packet(7) */
export const PACKET_QDISC_BYPASS = both('PACKET_QDISC_BYPASS', bool)
/** How often frames rolled over to another socket. `EINVAL` without PACKET_FANOUT_ROLLOVER. Linux only. */
export const PACKET_ROLLOVER_STATS = get('PACKET_ROLLOVER_STATS', rolloverStatistics)
/** The program that chooses the socket: a classic one by its instructions, an extended one by its descriptor. Linux only. */
export const PACKET_FANOUT_DATA = set('PACKET_FANOUT_DATA', filterOrDescriptor)
/** Frames that this host sends are not delivered. Linux only (4.20). */
export const PACKET_IGNORE_OUTGOING = both('PACKET_IGNORE_OUTGOING', bool)
/** Bytes of the header of PACKET_VNET_HDR: 10 or 12, 0 for none. Linux only (6.6). */
export const PACKET_VNET_HDR_SZ = both('PACKET_VNET_HDR_SZ', int)
