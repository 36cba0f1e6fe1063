// A kernel for the fuzzer, included first into every unit under test (clang++ -include). It reads the data to send and
// writes to all memory that it may fill, so that AddressSanitizer detects a length that exceeds its memory. The system
// headers come first, so that only calls are renamed.
#ifndef BSD_SOCKETS_FUZZ_KERNEL_H_
#define BSD_SOCKETS_FUZZ_KERNEL_H_

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
long FuzzSyscall(long number, ...);
ssize_t FuzzRecvmsg(int fd, msghdr* message, int flags);
ssize_t FuzzSendmsg(int fd, const msghdr* message, int flags);
int FuzzRecvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout);
int FuzzSendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
int FuzzGetsockopt(int fd, int level, int name, void* value, socklen_t* length);
int FuzzSetsockopt(int fd, int level, int name, const void* value, socklen_t length);
int FuzzIoctl(int fd, unsigned long request, void* argument);
void* FuzzMmap(void* at, size_t size, int protection, int flags, int fd, off_t offset);
int FuzzMunmap(void* at, size_t size);
int FuzzAccept4(int fd, sockaddr* address, socklen_t* length, int flags);
int FuzzClose(int fd);
int FuzzOpen(const char* path, int flags, ...);
}

#define syscall FuzzSyscall
#define recvmsg FuzzRecvmsg
#define sendmsg FuzzSendmsg
#define recvmmsg FuzzRecvmmsg
#define sendmmsg FuzzSendmmsg
#define getsockopt FuzzGetsockopt
#define setsockopt FuzzSetsockopt
#define ioctl FuzzIoctl
#define mmap FuzzMmap
#define munmap FuzzMunmap
#define accept4 FuzzAccept4
#define close FuzzClose
#define open FuzzOpen

#endif  // BSD_SOCKETS_FUZZ_KERNEL_H_
