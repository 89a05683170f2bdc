// What there is to compute on.
#pragma once

#include <cstdint>
#include <string>

namespace binding {

/** Empty when CUDA works, else why it does not. */
const std::string& cudaProblem();

/** GPUs that CUDA sees. */
int64_t gpuCount();

}  // namespace binding
