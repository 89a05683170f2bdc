// The border between JavaScript and libtorch: one call's arguments, its result, and the guard around it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>
#include <node_api.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "alignCorners.h"

namespace binding {

using Integers = c10::SmallVector<int64_t, 6>;

/** Thrown where a result would mean nothing because numbers are infinite or NaN; the Error in JavaScript has the code ERR_NOT_FINITE. */
struct NotFinite : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** Thrown where other ranks were waited for in vain; the Error in JavaScript has the code ERR_COLLECTIVE. */
struct CollectiveFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** Thrown when JavaScript already has an exception waiting. */
struct PendingException {};

/** What an exported function is called, and what its arguments are called in errors. */
struct Signature {
  const char* name;
  std::vector<const char*> arguments;
};

/** The arguments of one call from JavaScript. A reader throws std::invalid_argument, which the guard makes an Error. */
class Call {
 public:
  static constexpr size_t maximumArguments = 14;
  static constexpr int64_t largestInteger = (int64_t{1} << 53) - 1;
  /** Of lists. */
  static constexpr uint32_t maximumLength = 1 << 20;

  Call(napi_env env, napi_callback_info info, const Signature& signature);
  /** The fields of an object, argument `index` of `outer`, as if they were the arguments of a call. */
  Call(const Call& outer, size_t index, const Signature& fields);

  napi_env env() const { return env_; }
  napi_value raw(size_t index) const { return arguments_[index]; }
  /** True when the argument was left out: undefined or null. */
  bool absent(size_t index) const;

  const at::Tensor& tensor(size_t index) const;
  std::optional<at::Tensor> optionalTensor(size_t index) const;
  /** Elements of an array of tensors; `nulls` lets null stand for an undefined tensor. */
  std::vector<at::Tensor> tensors(size_t index, bool nulls = false) const;
  bool isTensor(size_t index) const;
  at::Scalar scalar(size_t index) const;
  std::optional<at::Scalar> optionalScalar(size_t index) const;
  double number(size_t index) const;
  /** A whole number that a double holds exactly, from `least` to `most`. */
  int64_t integer(size_t index, int64_t least = -largestInteger, int64_t most = largestInteger) const;
  bool boolean(size_t index) const;
  std::string string(size_t index) const;
  /** A list of integers of any length; a lone number stands for a list of one. */
  Integers integers(size_t index) const;
  /** A list of `count` integers; a lone number stands for `count` of them. */
  Integers integers(size_t index, size_t count) const;
  /** Sizes from 0 up, of no more elements than a double counts. */
  Integers shape(size_t index) const;
  /** [height, width], both from 1 up. */
  Integers size(size_t index) const;
  at::ScalarType dtype(size_t index) const;
  at::Device device(size_t index) const;
  at::MemoryFormat memoryFormat(size_t index) const;
  int64_t reduction(size_t index) const;
  AlignCorners alignCorners(size_t index) const;

  napi_value result(const at::Tensor& tensor) const;
  napi_value result(const std::vector<at::Tensor>& tensors) const;
  napi_value result(double value) const;
  napi_value result(int64_t value) const { return result(static_cast<double>(value)); }
  napi_value result(bool value) const;
  napi_value result(const std::string& value) const;
  napi_value undefined() const;

  /** Throws PendingException when a Node-API call failed. */
  void check(napi_status status) const;
  /** Every argument by name, tensors by dtype and shape: `input float32[1,3,8,8], stride 2`. */
  std::string describe() const;

 private:
  napi_env env_;
  const Signature& signature_;
  napi_value arguments_[maximumArguments];

  at::Tensor* find(napi_value value) const;
  const at::Tensor& tensorOf(napi_value value, size_t index) const;
  /** How many elements a list has. */
  uint32_t length(size_t index, const char* what) const;
  /** Up to `depth` lists inside each other: one may hold itself. */
  std::string describeArgument(napi_value value, int depth = 3) const;
  [[noreturn]] void expected(size_t index, const std::string& what) const;
};

/** How many elements a tensor of this shape has. */
double elements(const Integers& shape);

using Body = napi_value (*)(Call&);

/** Runs `body` with denormals flushed; whatever it throws becomes a JavaScript Error that names the call's arguments. */
napi_value guarded(napi_env env, napi_callback_info info, const Signature& signature, Body body) noexcept;

/** Puts a function among the addon's exports when the library is loaded. */
struct Registration {
  Registration(const char* name, napi_callback callback);
};

/** PyTorch's name of an element type: `float32`. */
const char* dtypeName(at::ScalarType type);

/** Sets the processor to flush denormal numbers to zero, and puts back what was there: JavaScript's own arithmetic keeps them. */
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t saved_;
};

/** Sets the same for good in each thread of the compute pool. */
void flushDenormalsInPool();

}  // namespace binding

/** FUNCTION(name, "argument", ...) { ... return call.result(tensor); } defines and exports a function. */
#define FUNCTION(name, ...)                                                                    \
  static napi_value run_##name(::binding::Call& call);                                         \
  static napi_value enter_##name(napi_env env, napi_callback_info info) {                      \
    static const ::binding::Signature signature{#name, {__VA_ARGS__}};                         \
    return ::binding::guarded(env, info, signature, run_##name);                               \
  }                                                                                            \
  static const ::binding::Registration registration_##name(#name, enter_##name);               \
  static napi_value run_##name([[maybe_unused]] ::binding::Call& call)
