// The tables that the files of this folder export. addon.cc makes JavaScript functions of them: those of kSlot for
// class Socket, those of kRaw for bsd-sockets/raw. The comment at each function has its arguments after the slot or the
// descriptor, and its result: (arguments) -> result. Every function can return -errno.
#ifndef BSD_SOCKETS_SYSCALLS_SYSCALLS_H_
#define BSD_SOCKETS_SYSCALLS_SYSCALLS_H_

#include "../call.h"

namespace bsd {

struct Table {
  const Function* functions;
  size_t count;
};

struct Syscalls {
  Table slot;
  Table raw;
};

Syscalls CreateCalls();
Syscalls NameCalls();
Syscalls IoCalls();
Syscalls BatchCalls();
Syscalls OptionCalls();
Syscalls FileCalls();
Syscalls PollCalls();
Syscalls InterfaceCalls();
Syscalls LookupCalls();
Syscalls RingCalls();

template <size_t n>
constexpr Table Rows(const Function (&rows)[n]) {
  return {rows, n};
}

}  // namespace bsd

#endif  // BSD_SOCKETS_SYSCALLS_SYSCALLS_H_
