// A graph compiled for inference: its steps in order, each a few libtorch operations on numbered values.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "call.h"
#include "recent.h"
#include "workspace.h"

namespace binding {

struct Step;

struct Operator {
  /** Computes a step of the values it reads, `mostInputs` of them. An input that is left out is an undefined tensor. */
  at::Tensor (*run)(const Step&, const std::vector<at::Tensor>&);
  size_t leastInputs, mostInputs;
  /** The least there are. */
  size_t attributes;
};

struct Step {
  at::Tensor (*run)(const Step&, const std::vector<at::Tensor>&);
  std::vector<int64_t> inputs;  // -1: left out
  int64_t output;
  Integers attributes;
  /** Values that no later step reads. */
  std::vector<int64_t> lastUses;
};

class Plan {
 public:
  Plan(at::ScalarType dtype, at::Device device) : dtype_(dtype), device_(device) {}

  at::ScalarType dtype() const { return dtype_; }

  /** Gives value `index` for every run. Its memory is copied. */
  void constant(int64_t index, const at::Tensor& value);
  void add(const std::string& op, std::vector<int64_t> inputs, int64_t output, Integers attributes);
  /** Ends the building: which values are the images, the matrices that depend on their size, and the output. */
  void finish(int64_t images, std::vector<int64_t> matrices, int64_t output);

  /** The output in float32. Within `perform`. */
  at::Tensor run(const at::Tensor& images, const std::vector<at::Tensor>& matrices);

  /**
   * Does work that runs images [n, c, h, w] of this size, on the compute thread. Work of the same key allocates the same: its memory is
   * laid out once. The second time a size comes, weights that another order suits better are laid out for it first: sizes that come once
   * are not worth it.
   */
  at::Tensor perform(const std::vector<int64_t>& key, at::IntArrayRef images, const std::function<at::Tensor()>& work);
  /** Of the work that was done last, or nullptr. */
  const Workspace* workspace() const { return lastWorkspace_; }

 private:
  at::ScalarType dtype_;
  at::Device device_;
  std::vector<at::Tensor> constants_;
  std::vector<Step> steps_;
  std::vector<int64_t> matrices_;
  int64_t images_ = 0, output_ = 0;
  Recent<Workspace> workspaces_{8};
  Workspace* lastWorkspace_ = nullptr;

  /** What images of one size need beyond what all of them share. */
  struct ForSize {
    int64_t runs = 0;
    /** Of each step with packed weights, the size of what it convolves, as the first run finds it; one that fails leaves gaps. */
    std::vector<std::vector<int64_t>> inputs;
    /** Of each of these, from the second run on, its weights in the order that is best for this size. */
    std::vector<at::Tensor> weights;
  };
  Recent<ForSize> sizes_{16};
  /** By the number of a constant: its packed weights in every order that a size asked for. Sizes share them. */
  std::map<int64_t, std::vector<at::Tensor>> orders_;
  /** While weights are packed for a size, by a convolution and the size of its input: the order asked for. */
  std::map<std::vector<int64_t>, std::string> orderFor_;

  at::Tensor converted(const at::Tensor& value) const;
  void layWeightsOut(ForSize& own);
  const at::Tensor& weightFor(const Step& step, at::IntArrayRef inputSize);
};

/** The operator of this name; throws for one that there is not. */
const Operator& operatorNamed(const std::string& name);

/** Whether a convolution's weights of this type can be packed for oneDNN. */
bool canPack(at::ScalarType dtype, at::Device device);

/** The weights of a convolution, packed or not, in the order that its operator wants. */
at::Tensor packedWeight(const at::Tensor& weight, const Integers& attributes);

/** What the order of packed weights is told apart by. */
std::string orderOf(const at::Tensor& packed);

/** The attributes of a convolution whose input has another size. */
Integers withInputSize(Integers attributes, at::IntArrayRef size);

}  // namespace binding
