// Numbers in and out of tensors.
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "call.h"
#include "environment.h"

namespace binding {

namespace {

struct View {
  void* data;
  size_t length;
  napi_typedarray_type type;
};

View viewOf(const Call& call, size_t index) {
  View view{};
  bool isTypedArray = false;
  call.check(napi_is_typedarray(call.env(), call.raw(index), &isTypedArray));
  if (!isTypedArray) throw std::invalid_argument("data: expected a typed array");
  call.check(napi_get_typedarray_info(call.env(), call.raw(index), &view.type, &view.length, &view.data, nullptr, nullptr));
  return view;
}

at::ScalarType elementType(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array: return at::kFloat;
    case napi_float64_array: return at::kDouble;
    case napi_bigint64_array: return at::kLong;
    case napi_uint8_array:
    case napi_uint8_clamped_array: return at::kByte;
    case napi_int32_array: return at::kInt;
    case napi_int16_array: return at::kShort;
    case napi_int8_array: return at::kChar;
    default:
      throw std::invalid_argument("data: expected Float32Array, Float64Array, BigInt64Array, Uint8Array or Int32Array");
  }
}

void checkCount(const View& view, const Integers& shape) {
  if (const double count = elements(shape); count != static_cast<double>(view.length)) {
    std::ostringstream found;
    found << "shape: holds " << count << " elements, data has " << view.length;
    throw std::invalid_argument(found.str());
  }
}

/** A JavaScript array that tensors look into, held until the last of them is gone. */
class Borrowed {
 public:
  Borrowed(const Call& call, size_t index) : environment_(Environment::of(call.env())) {
    call.check(napi_create_reference(call.env(), call.raw(index), 1, &reference_));
  }
  ~Borrowed() { environment_->letGo(reference_); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

 private:
  std::shared_ptr<Environment> environment_;
  napi_ref reference_ = nullptr;
};

napi_typedarray_type arrayType(at::ScalarType type) {
  switch (type) {
    case at::kDouble: return napi_float64_array;
    case at::kLong: return napi_bigint64_array;
    case at::kByte:
    case at::kBool: return napi_uint8_array;
    default: return napi_float32_array;
  }
}

}  // namespace

// Copies. A Uint16Array holds the bits of a bfloat16 or float16 tensor.
FUNCTION(fromData, "data", "shape", "dtype", "device") {
  const auto view = viewOf(call, 0);
  const auto shape = call.shape(1);
  checkCount(view, shape);
  const auto dtype = call.dtype(2);
  const bool bits = view.type == napi_uint16_array && (dtype == at::kBFloat16 || dtype == at::kHalf);
  auto source = at::from_blob(view.data, shape, at::TensorOptions(bits ? dtype : elementType(view.type)));
  return call.result(source.to(call.device(3), dtype, /*non_blocking=*/false, /*copy=*/true));
}

// Looks into the array's memory, which stays alive as long as the tensor or a view of it.
FUNCTION(fromBuffer, "data", "shape") {
  const auto view = viewOf(call, 0);
  const auto shape = call.shape(1);
  checkCount(view, shape);
  auto deleter = [borrowed = std::make_shared<Borrowed>(call, 0)](void*) {};
  return call.result(at::from_blob(view.data, shape, deleter, at::TensorOptions(elementType(view.type))));
}

// Row-major values: float types narrower than 32 bits as float32, bool as 0 and 1.
FUNCTION(toArray, "self") {
  c10::NoGradGuard noGrad;
  auto tensor = call.tensor(0).detach();
  const bool narrow = tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
  tensor = tensor.to(at::kCPU, narrow ? at::kFloat : tensor.scalar_type()).contiguous();
  void* data = nullptr;
  napi_value buffer, array;
  call.check(napi_create_arraybuffer(call.env(), tensor.nbytes(), &data, &buffer));
  if (tensor.nbytes() > 0) std::memcpy(data, tensor.const_data_ptr(), tensor.nbytes());
  call.check(napi_create_typedarray(call.env(), arrayType(tensor.scalar_type()), static_cast<size_t>(tensor.numel()), buffer,
                                    0, &array));
  return array;
}

// Writes row-major values into an array that the caller keeps, so that a loop reuses one.
FUNCTION(copyInto, "self", "target") {
  c10::NoGradGuard noGrad;
  const auto view = viewOf(call, 1);
  const auto& tensor = call.tensor(0);
  if (tensor.numel() != static_cast<int64_t>(view.length)) {
    throw std::invalid_argument("target: expected " + std::to_string(tensor.numel()) + " elements, found " +
                                std::to_string(view.length));
  }
  at::from_blob(view.data, tensor.sizes(), at::TensorOptions(elementType(view.type))).copy_(tensor);
  return call.undefined();
}

FUNCTION(item, "self") {
  const auto value = call.tensor(0).item();
  return value.isFloatingPoint() ? call.result(value.toDouble()) : call.result(value.to<int64_t>());
}

FUNCTION(shape, "self") {
  const auto sizes = call.tensor(0).sizes();
  napi_value array;
  call.check(napi_create_array_with_length(call.env(), sizes.size(), &array));
  for (size_t i = 0; i < sizes.size(); i++) {
    call.check(napi_set_element(call.env(), array, static_cast<uint32_t>(i), call.result(sizes[i])));
  }
  return array;
}

FUNCTION(dtype, "self") { return call.result(std::string(dtypeName(call.tensor(0).scalar_type()))); }

FUNCTION(device, "self") { return call.result(call.tensor(0).device().str()); }

FUNCTION(isContiguous, "self", "memoryFormat") {
  return call.result(call.tensor(0).is_contiguous(call.memoryFormat(1)));
}

}  // namespace binding
