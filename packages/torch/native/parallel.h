// Work on all cores.
#pragma once

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace binding {

/**
 * Calls `work(begin, end)` for parts of 0..count, each of at least `grain`, on the threads that libtorch computes with. (at::parallel_for
 * is serial in a file that is not compiled with libtorch's own kind of OpenMP, as with Apple's compiler.)
 */
void parallelFor(int64_t count, int64_t grain, c10::function_ref<void(int64_t begin, int64_t end)> work);

}  // namespace binding
