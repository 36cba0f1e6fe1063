// SOL_XDP, in the order of <linux/if_xdp.h>. Linux only. kernel doc networking/af_xdp
import { SOL_XDP } from '../constants'
import { uint32, umemReg, xdpOffsets, xdpStatistics } from './codec'
import { optionsOf } from './option'

const { get, set } = optionsOf(SOL_XDP)

/** Where the fields of the four rings are in their mappings. Linux only. kernel doc networking/af_xdp */
export const XDP_MMAP_OFFSETS = get('XDP_MMAP_OFFSETS', xdpOffsets)
/** Makes the ring of received frames; a power of two (`EINVAL`). Linux only. kernel doc networking/af_xdp */
export const XDP_RX_RING = set('XDP_RX_RING', uint32)
/** Makes the ring of frames to send; a power of two (`EINVAL`). Linux only. kernel doc networking/af_xdp */
export const XDP_TX_RING = set('XDP_TX_RING', uint32)
/**
 * Registers the memory of the frames, which the kernel writes to for as long as the socket lives. The package refuses
 * an `addr` that is not 0 (`EPERM`), since nothing can check it. Linux only. kernel doc networking/af_xdp
 */
export const XDP_UMEM_REG = set('XDP_UMEM_REG', umemReg)
/** Makes the ring of empty frames; a power of two (`EINVAL`). Linux only. kernel doc networking/af_xdp */
export const XDP_UMEM_FILL_RING = set('XDP_UMEM_FILL_RING', uint32)
/** Makes the ring of sent frames; a power of two (`EINVAL`). Linux only. kernel doc networking/af_xdp */
export const XDP_UMEM_COMPLETION_RING = set('XDP_UMEM_COMPLETION_RING', uint32)
/** Frames dropped and descriptors refused. Linux only. kernel doc networking/af_xdp */
export const XDP_STATISTICS = get('XDP_STATISTICS', xdpStatistics)
/** `XDP_OPTIONS_ZEROCOPY` where frames are not copied. Linux only. kernel doc networking/af_xdp */
export const XDP_OPTIONS = get('XDP_OPTIONS', uint32)
/** Frames that one send takes, 32 to the size of the sending ring; `EACCES` otherwise or without one. Linux only. */
export const XDP_MAX_TX_SKB_BUDGET = set('XDP_MAX_TX_SKB_BUDGET', uint32)
