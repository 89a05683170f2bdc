// A graph compiled for inference: its steps in order, each a few libtorch operations on numbered values.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "call.h"
#include "workspace.h"

namespace binding {

struct Step;

/** What an operator does: the step and the values it reads. An input that is left out is an undefined tensor. */
using Operator = at::Tensor (*)(const Step&, const std::vector<at::Tensor>&);

struct Step {
  Operator run;
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

  /** Gives value `index` for every run. */
  void constant(int64_t index, const at::Tensor& value);
  void add(const std::string& op, std::vector<int64_t> inputs, int64_t output, Integers attributes);
  /** Ends the building: which values are the images, the matrices that depend on their size, and the output. */
  void finish(int64_t images, std::vector<int64_t> matrices, int64_t output);

  /** The output in float32. */
  at::Tensor run(const at::Tensor& images, const std::vector<at::Tensor>& matrices) const;

  /** Does work that allocates the same whenever the key is the same, on the compute thread: its memory is laid out once for each. */
  at::Tensor withWorkspace(std::vector<int64_t> key, const std::function<at::Tensor()>& work);

 private:
  at::ScalarType dtype_;
  at::Device device_;
  std::vector<at::Tensor> constants_;
  std::vector<Step> steps_;
  std::vector<int64_t> matrices_;
  int64_t images_ = 0, output_ = 0;
  /** The one used last in front. */
  std::list<std::pair<std::vector<int64_t>, Workspace>> workspaces_;

  at::Tensor converted(const at::Tensor& value) const;
};

/** The operator of this name; throws for one that there is not. */
Operator operatorNamed(const std::string& name);

/** The weights of a convolution in the order that its operator wants. */
at::Tensor packedWeight(const at::Tensor& weight, const Integers& attributes);

}  // namespace binding
