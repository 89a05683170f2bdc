#include "rowLoss.h"

#include <ATen/core/op_registration/adaption.h>
#include <ATen/ops/mul.h>
#include <torch/csrc/autograd/custom_function.h>

namespace binding {

namespace {

class WithGradient : public torch::autograd::Function<WithGradient> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits, const at::Tensor& loss, const at::Tensor& gradient) {
    context->save_for_backward({gradient.to(logits.scalar_type())});
    return loss.clone();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& outer) {
    return {at::mul(context->get_saved_variables()[0], outer[0]), {}, {}};
  }
};

}  // namespace

at::Tensor withGradient(const at::Tensor& logits, const LossAndGradient& found) {
  return WithGradient::apply(logits, found.loss, found.gradient);
}

void requireClass(int64_t label, int64_t classes) {
  TORCH_CHECK(label < classes, "label ", label, " is not below the ", classes, " classes of the logits");
}

std::array<int64_t, 256> labelHistogram(const at::Tensor& labels, int64_t classes, int64_t ignore) {
  const uint8_t* data = labels.const_data_ptr<uint8_t>();
  std::array<int64_t, 256> histogram{};
  for (int64_t i = 0; i < labels.numel(); i++) histogram[data[i]]++;
  for (int64_t id = 0; id < 256; id++) {
    if (id == ignore) histogram[id] = 0;
    if (histogram[id] > 0) requireClass(id, classes);
  }
  return histogram;
}

void requireLabelled(const char* name, const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& weights) {
  requireLogits(logits);
  TORCH_CHECK(labels.dim() == 3 && logits.size(0) == labels.size(0) && labels.size(1) > 0 && labels.size(2) > 0,
              "expected logits [n, c, h, w] and labels [n, H, W] with pixels, found ", logits.sizes(), " and ", labels.sizes());
  TORCH_CHECK(labels.scalar_type() == at::kByte, "expected labels of type uint8, found ", labels.scalar_type());
  TORCH_CHECK(!weights || weights->numel() == logits.size(1), "expected a weight for each of ", logits.size(1), " classes, found ", weights->numel());
  std::optional<at::Device> device;
  c10::impl::check_and_update_common_device(device, logits, name, "logits");
  c10::impl::check_and_update_common_device(device, labels, name, "labels");
  c10::impl::check_and_update_common_device(device, weights, name, "weight");
}

}  // namespace binding
