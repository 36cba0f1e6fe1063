#include "../platform.h"

namespace bsd::sys {

int RunIn(int, int (*)(void*), void*, NamespaceStep* step) {
  *step = NamespaceStep::kEnter;
  return -ENOSYS;
}

}  // namespace bsd::sys
