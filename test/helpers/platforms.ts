import type { Platform } from '../../lib/platform'

type Fields = Record<string, readonly [offset: number, size: number]>

/** Returns the rows of one struct in a layout table. */
function struct(name: string, size: number, fields: Fields = {}): Record<string, number> {
  const rows: Record<string, number> = { [`sizeof_${name}`]: size }
  for (const [field, [offset, width]] of Object.entries(fields)) {
    rows[`offsetof_${name}_${field}`] = offset
    rows[`sizeof_${name}_${field}`] = width
  }
  return rows
}

/** Linux: <sys/socket.h>, <netinet/in.h>, <sys/un.h> and <linux/…>; the same on every 64-bit machine. */
export const linux: Platform = {
  os: 'linux',
  constants: {
    AF_UNSPEC: 0,
    AF_UNIX: 1,
    AF_INET: 2,
    AF_INET6: 10,
    AF_NETLINK: 16,
    AF_PACKET: 17,
    AF_RDS: 21,
    AF_CAN: 29,
    AF_TIPC: 30,
    AF_BLUETOOTH: 31,
    AF_ALG: 38,
    AF_VSOCK: 40,
    AF_XDP: 44,
  },
  layout: {
    ...struct('sockaddr_storage', 128),
    ...struct('sockaddr_in', 16, { sin_family: [0, 2], sin_port: [2, 2], sin_addr: [4, 4] }),
    ...struct('sockaddr_in6', 28, {
      sin6_family: [0, 2],
      sin6_port: [2, 2],
      sin6_flowinfo: [4, 4],
      sin6_addr: [8, 16],
      sin6_scope_id: [24, 4],
    }),
    ...struct('sockaddr_un', 110, { sun_family: [0, 2], sun_path: [2, 108] }),
    ...struct('sockaddr_ll', 20, {
      sll_family: [0, 2],
      sll_protocol: [2, 2],
      sll_ifindex: [4, 4],
      sll_hatype: [8, 2],
      sll_pkttype: [10, 1],
      sll_halen: [11, 1],
      sll_addr: [12, 8],
    }),
    ...struct('sockaddr_nl', 12, { nl_family: [0, 2], nl_pid: [4, 4], nl_groups: [8, 4] }),
    ...struct('sockaddr_vm', 16, {
      svm_family: [0, 2],
      svm_port: [4, 4],
      svm_cid: [8, 4],
      svm_flags: [12, 1],
    }),
    ...struct('sockaddr_can', 24, { can_family: [0, 2], can_ifindex: [4, 4], can_addr: [8, 16] }),
    ...struct('sockaddr_xdp', 16, {
      sxdp_family: [0, 2],
      sxdp_flags: [2, 2],
      sxdp_ifindex: [4, 4],
      sxdp_queue_id: [8, 4],
      sxdp_shared_umem_fd: [12, 4],
    }),
    ...struct('sockaddr_tipc', 16, { family: [0, 2], addrtype: [2, 1], scope: [3, 1], addr: [4, 12] }),
    ...struct('sockaddr_alg', 88, {
      salg_family: [0, 2],
      salg_type: [2, 14],
      salg_feat: [16, 4],
      salg_mask: [20, 4],
      salg_name: [24, 64],
    }),
  },
}

/** Darwin: <sys/socket.h>, <netinet/in.h>, <netinet6/in6.h>, <sys/un.h> and <sys/vsock.h>. */
export const darwin: Platform = {
  os: 'darwin',
  constants: { AF_UNSPEC: 0, AF_UNIX: 1, AF_INET: 2, AF_LINK: 18, AF_INET6: 30, AF_SYSTEM: 32, AF_VSOCK: 40 },
  layout: {
    ...struct('sockaddr_storage', 128),
    ...struct('sockaddr_in', 16, { sin_len: [0, 1], sin_family: [1, 1], sin_port: [2, 2], sin_addr: [4, 4] }),
    ...struct('sockaddr_in6', 28, {
      sin6_len: [0, 1],
      sin6_family: [1, 1],
      sin6_port: [2, 2],
      sin6_flowinfo: [4, 4],
      sin6_addr: [8, 16],
      sin6_scope_id: [24, 4],
    }),
    ...struct('sockaddr_un', 106, { sun_len: [0, 1], sun_family: [1, 1], sun_path: [2, 104] }),
    ...struct('sockaddr_vm', 12, { svm_len: [0, 1], svm_family: [1, 1], svm_port: [4, 4], svm_cid: [8, 4] }),
  },
}
