// SOL_XDP, in the order of <linux/if_xdp.h>. Linux only. kernel doc networking/af_xdp
import { SOL_XDP } from '../constants'
import { uint32, umemReg, xdpOffsets, xdpStatistics } from './codec'
import { optionsOf } from './option'

const { get, set } = optionsOf(SOL_XDP)

/** The offsets of the fields in the mappings of the four rings. Linux only. kernel doc networking/af_xdp */
export const XDP_MMAP_OFFSETS = get('XDP_MMAP_OFFSETS', xdpOffsets)
/**
 * Creates the ring of received frames. The size must be a power of two (`EINVAL`). Linux only. kernel doc
 * networking/af_xdp
 */
export const XDP_RX_RING = set('XDP_RX_RING', uint32)
/**
 * Creates the ring of frames to send. The size must be a power of two (`EINVAL`). Linux only. kernel doc
 * networking/af_xdp
 */
export const XDP_TX_RING = set('XDP_TX_RING', uint32)
/**
 * Registers the memory of the frames. Linux only. kernel doc networking/af_xdp
 *
 * The kernel writes to this memory until the socket is closed. This package refuses an `addr` other than 0
 * (`EPERM`), because the address cannot be checked.
 */
export const XDP_UMEM_REG = set('XDP_UMEM_REG', umemReg)
/**
 * Creates the ring of empty frames. The size must be a power of two (`EINVAL`). Linux only. kernel doc
 * networking/af_xdp
 */
export const XDP_UMEM_FILL_RING = set('XDP_UMEM_FILL_RING', uint32)
/**
 * Creates the ring of sent frames. The size must be a power of two (`EINVAL`). Linux only. kernel doc
 * networking/af_xdp
 */
export const XDP_UMEM_COMPLETION_RING = set('XDP_UMEM_COMPLETION_RING', uint32)
/** The numbers of dropped frames and refused descriptors. Linux only. kernel doc networking/af_xdp */
export const XDP_STATISTICS = get('XDP_STATISTICS', xdpStatistics)
/** `XDP_OPTIONS_ZEROCOPY` if frames are not copied. Linux only. kernel doc networking/af_xdp */
export const XDP_OPTIONS = get('XDP_OPTIONS', uint32)
/** The maximum number of frames per send, from 32 to the size of the transmit ring, else `EACCES`. Linux only. */
export const XDP_MAX_TX_SKB_BUDGET = set('XDP_MAX_TX_SKB_BUDGET', uint32)
