// Level AF_VSOCK, in the order of <linux/vm_sockets.h>. Linux only. vsock(7)
import { AF_VSOCK, constants } from '../constants'
import { int, timeval, timeval64, uint64 } from './codec'
import { optionsOf } from './option'

// Darwin has the family, but not these options.
const { both, get } = optionsOf(constants['AF_VSOCK'] === undefined ? undefined : AF_VSOCK)

/** The number of bytes that the peer may send ahead, limited to the minimum and maximum below. Linux only. vsock(7) */
export const SO_VM_SOCKETS_BUFFER_SIZE = both('SO_VM_SOCKETS_BUFFER_SIZE', uint64)
/** The minimum of SO_VM_SOCKETS_BUFFER_SIZE. Linux only. vsock(7) */
export const SO_VM_SOCKETS_BUFFER_MIN_SIZE = both('SO_VM_SOCKETS_BUFFER_MIN_SIZE', uint64)
/** The maximum of SO_VM_SOCKETS_BUFFER_SIZE. Linux only. vsock(7) */
export const SO_VM_SOCKETS_BUFFER_MAX_SIZE = both('SO_VM_SOCKETS_BUFFER_MAX_SIZE', uint64)
/** The id of the peer's virtual machine on its host. VMCI only, else `ENOPROTOOPT`. Linux only. */
export const SO_VM_SOCKETS_PEER_HOST_VM_ID = get('SO_VM_SOCKETS_PEER_HOST_VM_ID', int)
/** Not 0 if the peer is trusted. VMCI only, else `ENOPROTOOPT`. Linux only. */
export const SO_VM_SOCKETS_TRUSTED = get('SO_VM_SOCKETS_TRUSTED', int)
/** The timeout of connect(2) in milliseconds, 2000 by default. Linux only. */
export const SO_VM_SOCKETS_CONNECT_TIMEOUT = both(
  'SO_VM_SOCKETS_CONNECT_TIMEOUT',
  timeval,
  constants['SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD'],
)
/** The same as SO_VM_SOCKETS_CONNECT_TIMEOUT, with 64-bit seconds on every machine. Linux only. */
export const SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW = both('SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW', timeval64)
/** For users inside the kernel; always `ENOPROTOOPT`. Linux only. */
export const SO_VM_SOCKETS_NONBLOCK_TXRX = both('SO_VM_SOCKETS_NONBLOCK_TXRX', int)
