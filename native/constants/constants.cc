// The generated lists as arrays. See README.md for the tables behind them.

#include "constants.h"

#include "system_headers.h"

#if defined(__linux__) && !defined(__mips__) && !defined(__alpha__) && !defined(__sparc__) && \
    !defined(__hppa__) && !defined(__powerpc__)
// The excluded architectures have other numbers for options and ioctls, so the fallbacks would be wrong there.
#define BSD_LINUX_GENERIC_ABI 1
#endif

namespace bsd {

namespace {

#define BSD_CONSTANT(name, value) {name, static_cast<double>(value)},
const Constant kConstants[] = {
#include "constants.gen.inc"
};
#undef BSD_CONSTANT

#define BSD_LAYOUT(name, value) {name, static_cast<double>(value)},
const Constant kLayouts[] = {
#include "layout.gen.inc"
};
#undef BSD_LAYOUT

}  // namespace

const Constant* Constants(size_t* count) {
  *count = sizeof(kConstants) / sizeof(kConstants[0]);
  return kConstants;
}

const Constant* Layouts(size_t* count) {
  *count = sizeof(kLayouts) / sizeof(kLayouts[0]);
  return kLayouts;
}

}  // namespace bsd
