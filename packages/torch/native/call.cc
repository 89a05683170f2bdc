#include "call.h"

#include <ATen/core/Reduction.h>

#include <cmath>
#include <stdexcept>

#include "handle.h"

namespace binding {

namespace {

constexpr std::pair<const char*, at::ScalarType> dtypes[] = {
    {"float32", at::kFloat}, {"float64", at::kDouble}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf},
    {"int64", at::kLong},    {"uint8", at::kByte},     {"bool", at::kBool},
};

napi_valuetype typeOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type;
}

}  // namespace

const char* dtypeName(at::ScalarType type) {
  for (const auto& [name, candidate] : dtypes) {
    if (candidate == type) return name;
  }
  return at::toString(type);
}

Call::Call(napi_env env, napi_callback_info info, const Signature& signature) : env_(env), signature_(signature) {
  size_t count = maximumArguments;
  napi_get_cb_info(env, info, &count, arguments_, nullptr, nullptr);
}

void Call::check(napi_status status) const {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env_, &pending);
  if (pending) throw PendingException{};
  const napi_extended_error_info* information = nullptr;
  napi_get_last_error_info(env_, &information);
  const bool known = information != nullptr && information->error_message != nullptr;
  throw std::runtime_error(known ? information->error_message : "a Node-API call failed");
}

void Call::expected(size_t index, const char* what) const {
  throw std::invalid_argument(std::string(signature_.arguments[index]) + ": expected " + what + ", found " +
                              describeArgument(arguments_[index]));
}

bool Call::absent(size_t index) const {
  const auto type = typeOf(env_, arguments_[index]);
  return type == napi_undefined || type == napi_null;
}

at::Tensor* Call::find(napi_value value) const { return tensorIn(env_, value); }

const at::Tensor& Call::tensorOf(napi_value value, size_t index) const {
  const auto* tensor = find(value);
  if (tensor == nullptr) expected(index, "a Tensor");
  if (!tensor->defined()) {
    throw std::invalid_argument(std::string(signature_.arguments[index]) +
                                ": the tensor is disposed; it was freed by dispose() or by the end of its scope(), "
                                "return it from the scope or keep() it");
  }
  return *tensor;
}

const at::Tensor& Call::tensor(size_t index) const { return tensorOf(arguments_[index], index); }

std::optional<at::Tensor> Call::optionalTensor(size_t index) const {
  if (absent(index)) return std::nullopt;
  return tensor(index);
}

std::vector<at::Tensor> Call::tensors(size_t index, bool nulls) const {
  uint32_t length = 0;
  if (napi_get_array_length(env_, arguments_[index], &length) != napi_ok) expected(index, "an array of tensors");
  std::vector<at::Tensor> list(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(napi_get_element(env_, arguments_[index], i, &element));
    if (nulls && typeOf(env_, element) == napi_null) continue;
    list[i] = tensorOf(element, index);
  }
  return list;
}

bool Call::isTensor(size_t index) const { return find(arguments_[index]) != nullptr; }

at::Scalar Call::scalar(size_t index) const {
  const auto value = arguments_[index];
  switch (typeOf(env_, value)) {
    case napi_boolean:
      return boolean(index);
    case napi_bigint: {
      int64_t integer = 0;
      bool lossless = false;
      check(napi_get_value_bigint_int64(env_, value, &integer, &lossless));
      if (!lossless) expected(index, "an integer of 64 bits");
      return integer;
    }
    case napi_number: {
      // 2 is an integer and 0.5 is not, so that `int64 + 1` stays int64 as it does in PyTorch.
      const double number = this->number(index);
      const bool whole = std::abs(number) <= 9007199254740991.0 && number == std::trunc(number);
      if (whole && !(number == 0 && std::signbit(number))) return static_cast<int64_t>(number);
      return number;
    }
    default:
      expected(index, "a number");
  }
}

std::optional<at::Scalar> Call::optionalScalar(size_t index) const {
  if (absent(index)) return std::nullopt;
  return scalar(index);
}

double Call::number(size_t index) const {
  double value = 0;
  if (napi_get_value_double(env_, arguments_[index], &value) != napi_ok) expected(index, "a number");
  return value;
}

int64_t Call::integer(size_t index) const {
  const double value = number(index);
  if (value != std::trunc(value)) expected(index, "a whole number");
  return static_cast<int64_t>(value);
}

bool Call::boolean(size_t index) const {
  bool value = false;
  if (napi_get_value_bool(env_, arguments_[index], &value) != napi_ok) expected(index, "true or false");
  return value;
}

std::string Call::string(size_t index) const {
  size_t length = 0;
  char buffer[256];
  if (napi_get_value_string_utf8(env_, arguments_[index], buffer, sizeof buffer, &length) != napi_ok) {
    expected(index, "a string");
  }
  return std::string(buffer, length);
}

Integers Call::integers(size_t index, size_t count) const {
  uint32_t length = 0;
  if (napi_get_array_length(env_, arguments_[index], &length) != napi_ok) {
    if (typeOf(env_, arguments_[index]) != napi_number) expected(index, "a whole number or an array of them");
    return Integers(count, integer(index));
  }
  Integers list(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(napi_get_element(env_, arguments_[index], i, &element));
    double value = 0;
    if (napi_get_value_double(env_, element, &value) != napi_ok || value != std::trunc(value)) {
      expected(index, "whole numbers");
    }
    list[i] = static_cast<int64_t>(value);
  }
  return list;
}

at::ScalarType Call::dtype(size_t index) const {
  const auto wanted = string(index);
  for (const auto& [name, type] : dtypes) {
    if (wanted == name) return type;
  }
  expected(index, "float32, float64, bfloat16, float16, int64, uint8 or bool");
}

at::Device Call::device(size_t index) const { return at::Device(string(index)); }

at::MemoryFormat Call::memoryFormat(size_t index) const {
  const auto name = string(index);
  if (name == "contiguous") return at::MemoryFormat::Contiguous;
  if (name == "channelsLast") return at::MemoryFormat::ChannelsLast;
  expected(index, "contiguous or channelsLast");
}

int64_t Call::reduction(size_t index) const {
  const auto name = string(index);
  if (name == "none") return at::Reduction::None;
  if (name == "mean") return at::Reduction::Mean;
  if (name == "sum") return at::Reduction::Sum;
  expected(index, "none, mean or sum");
}

napi_value Call::result(const at::Tensor& tensor) const {
  napi_value value;
  check(makeHandle(env_, tensor, &value));
  return value;
}

napi_value Call::result(const std::vector<at::Tensor>& tensors) const {
  napi_value array;
  check(napi_create_array_with_length(env_, tensors.size(), &array));
  for (size_t i = 0; i < tensors.size(); i++) {
    napi_value element;
    if (tensors[i].defined()) {
      element = result(tensors[i]);
    } else {
      check(napi_get_null(env_, &element));
    }
    check(napi_set_element(env_, array, static_cast<uint32_t>(i), element));
  }
  return array;
}

napi_value Call::result(double number) const {
  napi_value value;
  check(napi_create_double(env_, number, &value));
  return value;
}

napi_value Call::result(bool boolean) const {
  napi_value value;
  check(napi_get_boolean(env_, boolean, &value));
  return value;
}

napi_value Call::result(const std::string& string) const {
  napi_value value;
  check(napi_create_string_utf8(env_, string.data(), string.size(), &value));
  return value;
}

napi_value Call::undefined() const {
  napi_value value;
  check(napi_get_undefined(env_, &value));
  return value;
}

std::string Call::describeArgument(napi_value value) const {
  if (const auto* tensor = find(value)) {
    if (!tensor->defined()) return "disposed tensor";
    std::string text = dtypeName(tensor->scalar_type());
    text += "[";
    for (int64_t i = 0; i < tensor->dim(); i++) text += (i == 0 ? "" : ",") + std::to_string(tensor->size(i));
    text += "]";
    return tensor->is_cpu() ? text : text + " on " + tensor->device().str();
  }
  uint32_t length = 0;
  if (napi_get_array_length(env_, value, &length) == napi_ok) {
    std::string text = "[";
    for (uint32_t i = 0; i < std::min(length, 8u); i++) {
      napi_value element;
      if (napi_get_element(env_, value, i, &element) == napi_ok) text += (i == 0 ? "" : ",") + describeArgument(element);
    }
    return text + (length > 8 ? ",...]" : "]");
  }
  const auto type = typeOf(env_, value);
  if (type == napi_object || type == napi_external || type == napi_function || type == napi_symbol) return "an object";
  napi_value asString;
  char buffer[64];
  size_t size = 0;
  if (napi_coerce_to_string(env_, value, &asString) != napi_ok) return "a value";
  napi_get_value_string_utf8(env_, asString, buffer, sizeof buffer, &size);
  return std::string(buffer, size);
}

std::string Call::describe() const {
  std::string text;
  for (size_t i = 0; i < signature_.arguments.size() && i < maximumArguments; i++) {
    if (absent(i)) continue;
    text += (text.empty() ? "" : ", ") + std::string(signature_.arguments[i]) + " " + describeArgument(arguments_[i]);
  }
  return text;
}

}  // namespace binding
