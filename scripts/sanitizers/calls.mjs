// The functions of the C library that the addon calls, by how they use memory. A build with AddressSanitizer fails if
// the addon calls a function that is in neither list.
import { spawnSync } from 'node:child_process'

const words = text => text.trim().split(/\s+/)

/** The functions whose memory scripts/sanitizers/kernel_memory.cc checks. */
export const checked = words(`
  accept accept4 bind connect epoll_ctl epoll_wait gethostname getnameinfo getpeername getsockname getsockopt ioctl
  pipe2 poll pread64 read recv recvfrom recvmmsg recvmsg send sendfile64 sendmmsg sendmsg sendto sethostname setsockopt
  socketpair splice syscall write`)

/** The functions that pass no memory to the kernel, or only memory of the C library. */
const harmless = words(`
  clock_gettime close epoll_create1 eventfd fchmod fcntl64 fstat64 getpid listen madvise mmap64 munmap nanosleep open64
  pthread_cond_broadcast pthread_cond_init pthread_cond_signal pthread_cond_timedwait pthread_cond_wait
  pthread_condattr_destroy pthread_condattr_init pthread_condattr_setclock pthread_create pthread_detach pthread_join
  pthread_mutex_destroy pthread_mutex_lock pthread_mutex_unlock pthread_sigmask setns shutdown sigaction sigaddset sigemptyset sigfillset sigismember sigtimedwait socket sysconf
  freeaddrinfo freeifaddrs getaddrinfo gethostbyaddr_r gethostbyname2_r getifaddrs getprotobyname_r
  getprotobynumber_r getservbyname_r getservbyport_r if_freenameindex if_indextoname if_nameindex if_nametoindex
  calloc free malloc realloc memchr memcmp memcpy memmove memset snprintf strlen strncmp strcmp
  fprintf abort stderr`)

/** Returns the functions that the built addon imports and that are in neither list. */
export function unknownCalls(addon) {
  const { stdout } = spawnSync('nm', ['--dynamic', '--undefined-only', addon], { encoding: 'utf8' })
  const names = stdout.split('\n').flatMap(line => / U ([\w.]+)/.exec(line)?.[1] ?? [])
  const own = /^(?:_|napi_|node_api_|uv_)/ // C++, the runtimes, Node
  return names.filter(name => !own.test(name) && !checked.includes(name) && !harmless.includes(name))
}
