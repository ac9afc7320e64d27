// Compiled into the binding. glibc gives each thread a pool of memory of its own; TensorFlow's threads free what others
// allocated, and the pools fill with holes for hundreds of steps. With one pool for all threads that ask from now on,
// memory stays flat after the first steps.
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>

namespace {
[[maybe_unused]] const int one_pool = mallopt(M_ARENA_MAX, 1);
}  // namespace
#endif
