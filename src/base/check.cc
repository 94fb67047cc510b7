#include "p2pmesh/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace p2pmesh {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "p2pmesh: internal error: %s is false at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace p2pmesh
