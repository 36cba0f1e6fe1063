// The lists that lists.mjs makes of the tables, each as a text of names and an array of values. A single text needs
// no relocation when the addon is loaded, and JavaScript splits it faster than Node-API makes as many properties.

#include "constants.h"

#include <iterator>
#include <limits>

#include "system_headers.h"

#if defined(__linux__) && !defined(__mips__) && !defined(__alpha__) && !defined(__sparc__) && \
    !defined(__hppa__) && !defined(__powerpc__)
// The excluded architectures have other numbers for options and ioctls, so the fallbacks would be wrong there.
#define BSD_LINUX_GENERIC_ABI 1
#endif

namespace bsd {

namespace {

// With this definition, the file compiles only if every fallback of the tables equals the headers' value.
#ifdef BSD_CHECK_FALLBACKS
#define BSD_MARK(name)
#define BSD_CONSTANT(name, value)
#define BSD_CONSTANT_SINCE(name, value, fallback) \
  static_assert(static_cast<long long>(value) == fallback, name);
#include "constants.gen.inc"
#undef BSD_MARK
#undef BSD_CONSTANT
#undef BSD_CONSTANT_SINCE
#endif

#define BSD_CONSTANT_SINCE(name, value, fallback) BSD_CONSTANT(name, value)

#define BSD_MARK(name) name " "
#define BSD_CONSTANT(name, value) name " "
constexpr char kConstantNames[] =
#include "constants.gen.inc"
    ;
constexpr char kLayoutNames[] =
#include "layout.gen.inc"
    ;
#undef BSD_MARK
#undef BSD_CONSTANT

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

#define BSD_MARK(name)
#define BSD_CONSTANT(name, value) static_cast<double>(value),
const double kConstants[] = {
#include "constants.gen.inc"
};
const double kLayouts[] = {
#include "layout.gen.inc"
};
#undef BSD_MARK
#undef BSD_CONSTANT

// The text without its last space and the zero.
template <size_t kSize>
constexpr std::string_view Words(const char (&text)[kSize]) {
  return {text, kSize - 2};
}

}  // namespace

Numbers Constants() { return {Words(kConstantNames), kConstants, std::size(kConstants)}; }

Numbers Layouts() { return {Words(kLayoutNames), kLayouts, std::size(kLayouts)}; }

}  // namespace bsd
