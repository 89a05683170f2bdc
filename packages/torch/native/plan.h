// A graph compiled for inference: its steps in order, each a few libtorch operations on numbered values.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "call.h"
#include "recent.h"
#include "workspace.h"

namespace binding {

using Values = std::vector<at::Tensor>;

/** Computes a value of others. An input that is left out is an undefined tensor. */
using Compute = std::function<at::Tensor(const Values&)>;

struct Operator {
  /** Its name, and those of its attributes, in the order in which `compile` reads them. */
  Signature signature;
  /** A step has as many; fewer are filled up. */
  size_t leastInputs, mostInputs;
  Compute (*compile)(const Call& attributes);
  /** Of one whose second input, a constant, is packed when the plan is built: packs it, and may change the third. */
  void (*pack)(const Call& attributes, at::Tensor& second, at::Tensor& third) = nullptr;
};

/** The operator of this name; throws for one that there is not. */
const Operator& operatorNamed(const std::string& name);

/** What a convolution is told beside its values. */
struct Convolution {
  Integers stride, padding, dilation;
  int64_t groups;
  /** oneDNN's name of it, or "none": ReLU6 is "hardtanh" between 0 and 6. */
  std::string activation;

  explicit Convolution(const Call& attributes);

  /** What oneDNN is told beside the activation's name. */
  c10::List<std::optional<at::Scalar>> scalars() const;

  /** The weights, packed or not, in the order that is best for inputs of this size. */
  at::Tensor packed(const at::Tensor& weight, at::IntArrayRef inputSize) const;
};

/** Input, weights, bias and residual; the last two may be undefined. */
at::Tensor convolve(const Convolution& convolution, const Values& in);

/** Whether a convolution's weights of this type can be packed for oneDNN. */
bool canPack(at::ScalarType dtype, at::Device device);

/** What the order of packed weights is told apart by. */
std::string orderOf(const at::Tensor& packed);

class Plan {
 public:
  /** @param reproducible whether products of matrices are summed in the same order on any number of threads. */
  Plan(at::ScalarType dtype, at::Device device, bool reproducible) : dtype_(dtype), device_(device), reproducible_(reproducible) {}

  at::ScalarType dtype() const { return dtype_; }
  at::Device device() const { return device_; }

  /** Gives value `index` for every run, in the plan's precision or, if `exact`, its own. Its memory is copied. */
  void constant(int64_t index, const at::Tensor& value, bool exact);
  void add(const Operator& op, std::vector<int64_t> inputs, int64_t output, const Call& attributes);
  /** Ends the building: which values are the images and the output. */
  void finish(int64_t images, int64_t output);

  /** The output in float32. Within `perform`. */
  at::Tensor run(const at::Tensor& images);

  /**
   * Does work that runs images [n, c, h, w] of this size, on the compute thread. Work of the same key allocates the same: its memory is
   * laid out once. The second time a size comes, weights that another order suits better are laid out for it first: sizes that come once
   * are not worth it.
   */
  at::Tensor perform(const std::vector<int64_t>& key, at::IntArrayRef images, const std::function<at::Tensor()>& work);
  /** Of the block that the work was done in last: its bytes, and how many times it was done there. On any thread. */
  int64_t blockSize() const { return blockSize_; }
  int64_t served() const { return served_; }
  /** The outputs of the steps that were Winograd's there. On any thread. */
  std::vector<int64_t> winograd() const {
    const std::lock_guard lock(winogradMutex_);
    return winograd_;
  }

 private:
  struct Step {
    Compute compute;
    std::vector<int64_t> inputs;  // -1: left out
    int64_t output;
    /** Of one whose weights are packed. */
    std::optional<Convolution> convolution;
    /** Whether its value is the same for all images of one size. */
    bool ofSizeAlone;
    /** Values that no later step reads. */
    std::vector<int64_t> lastUses;
  };

  /** What images of one size need beyond what all of them share. */
  struct ForSize {
    int64_t runs = 0;
    /** Of each step with packed weights, the size of what it convolves, once a run has found it: one that fails leaves gaps. */
    std::vector<std::vector<int64_t>> inputs;
    /** Of each of these, from the second run on, its weights in the order that is best for this size. */
    std::vector<at::Tensor> weights;
    /** Of each that is Winograd's, its filters. */
    std::vector<at::Tensor> filters;
    /** The outputs of these. */
    std::vector<int64_t> winograd;
    /** Of each step, its value if that depends on the size alone. */
    std::vector<at::Tensor> values;
    Recent<Workspace> workspaces{8};
  };

  at::ScalarType dtype_;
  at::Device device_;
  bool reproducible_;
  std::vector<at::Tensor> constants_;
  std::vector<Step> steps_;
  int64_t images_ = 0, output_ = 0;
  Recent<ForSize> sizes_{16};
  std::atomic<int64_t> blockSize_{0}, served_{0};
  mutable std::mutex winogradMutex_;
  std::vector<int64_t> winograd_;
  /** By the number of a constant: its packed weights in every order that a size asked for. Sizes share them. */
  std::map<int64_t, std::vector<at::Tensor>> orders_;
  /** By the number of a constant: the filters that it makes for Winograd's convolutions, undefined where these would round too much. */
  std::map<int64_t, at::Tensor> filters_;
  /** While weights are packed for a size, by a convolution and the size of its input: the order asked for. */
  std::map<std::vector<int64_t>, std::string> orderFor_;

  at::Tensor converted(const at::Tensor& value) const;
  void layWeightsOut(ForSize& own);
  /** Of a convolution that is Winograd's for inputs of this size; undefined for others. */
  at::Tensor filtersFor(const Step& step, at::IntArrayRef inputSize);
  const at::Tensor& weightFor(const Step& step, at::IntArrayRef inputSize);
};

}  // namespace binding
