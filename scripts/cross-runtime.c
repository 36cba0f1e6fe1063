// The parts of a C++ runtime that the addon needs when it is built without exceptions, on top of malloc. They replace
// libc++, whose allocation functions add the unwinder and the demangler: 300 kB in each binary. scripts/cross.mjs links
// this file with hidden visibility, so that no other addon uses these operators.
//
// The file is C with mangled C++ names, because <new> always declares the operators visible, regardless of flags.
#include <stdarg.h>
#include <stdlib.h>

const char _ZSt7nothrow = 0;  // std::nothrow

// operator new(size_t, std::nothrow_t const&), and new[]
void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow) {
  (void)nothrow;
  return malloc(size == 0 ? 1 : size);
}
void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow) {
  return _ZnwmRKSt9nothrow_t(size, nothrow);
}

// operator new(size_t), and new[]: without exceptions they cannot report a failure
void *_Znwm(size_t size) {
  void *memory = _ZnwmRKSt9nothrow_t(size, NULL);
  if (memory == NULL) abort();
  return memory;
}
void *_Znam(size_t size) { return _Znwm(size); }

// operator delete(void*), delete[], and with a size
void _ZdlPv(void *memory) { free(memory); }
void _ZdaPv(void *memory) { free(memory); }
void _ZdlPvm(void *memory, size_t size) {
  (void)size;
  free(memory);
}
void _ZdaPvm(void *memory, size_t size) { _ZdlPvm(memory, size); }

// std::__1::__libcpp_verbose_abort(char const*, ...)
void _ZNSt3__122__libcpp_verbose_abortEPKcz(const char *format, ...) {
  (void)format;
  abort();
}
