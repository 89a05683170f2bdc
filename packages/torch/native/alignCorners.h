#pragma once

namespace binding {

/** Which rule enlargement goes by: AlignCorners of @pspnet/core, where `yes` is true and `no` false. */
enum class AlignCorners { yes, no, asymmetric };

}  // namespace binding
