// Every system header that the tables name, in an order that compiles.
//
// A header outside POSIX is included only where it exists: libcs, kernel header packages and cross
// compilers each lack some. On Linux the kernel's <linux/tcp.h> and <linux/udp.h> stand in for
// <netinet/tcp.h> and <netinet/udp.h>: both pairs define the same structs, so only one of each can
// be had, and only the kernel's describe struct tcp_info in full. Names that live in no header of
// this set have their number in the table (kind F).

#ifndef BSD_SOCKETS_NATIVE_CONSTANTS_SYSTEM_HEADERS_H_
#define BSD_SOCKETS_NATIVE_CONSTANTS_SYSTEM_HEADERS_H_

#if defined(__APPLE__) && !defined(__APPLE_USE_RFC_3542)
// Without it IPV6_PKTINFO and its kin have the numbers of RFC 2292, which mean something else.
#define __APPLE_USE_RFC_3542 1
#endif

#include <sys/types.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#if __has_include(<netinet/in_systm.h>)
#include <netinet/in_systm.h>
#endif
#if __has_include(<netinet/ip.h>)
#include <netinet/ip.h>
#endif
#if __has_include(<netinet/ip_icmp.h>)
#include <netinet/ip_icmp.h>
#endif
#if __has_include(<netinet/icmp6.h>)
#include <netinet/icmp6.h>
#endif
#if __has_include(<netinet/igmp.h>)
#include <netinet/igmp.h>
#endif
#if __has_include(<net/ethernet.h>)
#include <net/ethernet.h>
#endif
#if __has_include(<net/if_arp.h>)
#include <net/if_arp.h>
#endif

#if defined(__linux__)

#include <linux/types.h>
#include <linux/version.h>

#if __has_include(<sys/epoll.h>)
#include <sys/epoll.h>
#endif
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#if __has_include(<linux/can.h>)
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#endif
#if __has_include(<linux/if_alg.h>)
#include <linux/if_alg.h>
#endif
#if __has_include(<linux/if_tun.h>)
#include <linux/if_tun.h>
#endif
#if __has_include(<linux/if_xdp.h>)
#include <linux/if_xdp.h>
#endif
#if __has_include(<linux/tipc.h>)
#include <linux/tipc.h>
#endif
#if __has_include(<linux/tls.h>)
#include <linux/tls.h>
#endif
#if __has_include(<linux/vm_sockets.h>)
#include <linux/vm_sockets.h>
#endif
// These include <linux/in.h> or <linux/in6.h>, which only glibc's headers get along with.
#if defined(__GLIBC__)
#if __has_include(<linux/in6.h>)
#include <linux/in6.h>
#endif
#if __has_include(<linux/mptcp.h>)
#include <linux/mptcp.h>
#endif
#endif

#elif defined(__APPLE__)

#include <netinet/tcp.h>
#if __has_include(<netinet/udp.h>)
#include <netinet/udp.h>
#endif
#if __has_include(<net/bpf.h>)
#include <net/bpf.h>
#endif
#if __has_include(<net/if_dl.h>)
#include <net/if_dl.h>
#endif
#if __has_include(<net/if_utun.h>)
#include <net/if_utun.h>
#endif
#if __has_include(<net/route.h>)
#include <net/route.h>
#endif
#if __has_include(<sys/filio.h>)
#include <sys/filio.h>
#endif
#if __has_include(<sys/kern_control.h>)
#include <sys/kern_control.h>
#endif
#if __has_include(<sys/sockio.h>)
#include <sys/sockio.h>
#endif
#if __has_include(<sys/sys_domain.h>)
#include <sys/sys_domain.h>
#endif
#if __has_include(<sys/ucred.h>)
#include <sys/ucred.h>
#endif
#if __has_include(<sys/vsock.h>)
#include <sys/vsock.h>
#endif

#endif  // __linux__, __APPLE__

#endif  // BSD_SOCKETS_NATIVE_CONSTANTS_SYSTEM_HEADERS_H_
