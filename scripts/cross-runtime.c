// What the addon uses of a C++ library when it is built without exceptions, on top of malloc: instead of
// libc++, whose allocation brings the unwinder and the demangler along, 300 kB in each binary. Linked by
// scripts/cross.mjs with hidden visibility, so that no other addon meets these operators.
//
// C with the names that C++ mangles to: <new> declares the operators visible, whatever the compiler is told.
#include <stdarg.h>
#include <stdlib.h>

const char _ZSt7nothrow = 0;  // std::nothrow

// operator new(size_t, std::nothrow_t const&), and new[]
void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow) {
  (void)nothrow;
  return malloc(size == 0 ? 1 : size);
}
void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow) { return _ZnwmRKSt9nothrow_t(size, nothrow); }

// operator new(size_t), and new[]: without exceptions there is nobody to tell
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
