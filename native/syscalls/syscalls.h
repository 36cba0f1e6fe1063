// The tables that the files of this folder export. addon.cc makes JavaScript functions of them:
// kSlot... are the methods behind class Socket, kRaw... the functions of bsd-sockets/raw.
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
