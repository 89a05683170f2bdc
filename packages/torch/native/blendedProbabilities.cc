// Class probabilities averaged over time, as logits that they are the softmax of.
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <optional>

#include "bilinear.h"
#include "call.h"
#include "computeThread.h"

namespace binding {

// A promise of logits, float32, whose softmax over the classes is `share` of that of `logits` and the rest of that of `before`.
FUNCTION(blended, "logits", "before", "share") {
  const at::Tensor logits = call.tensor(0);
  const std::optional<at::Tensor> before = call.optionalTensor(1);
  const double share = call.number(2);
  requireLogits(logits);
  TORCH_CHECK(!before || before->sizes() == logits.sizes(), "expected logits before of the same sizes");
  TORCH_CHECK(share > 0 && share <= 1, "expected a share above 0 to 1, found ", share);
  return computeLater(call, [=] {
    c10::NoGradGuard noGrad;
    // The logarithm of a double is a newer symbol than glibc 2.28 has; that of a float is not.
    const auto now = at::log_softmax(logits, 1, at::kFloat);
    return before ? at::logaddexp(now.add(std::log(static_cast<float>(share))), before->add(std::log1p(-share))) : now;
  });
}

}  // namespace binding
