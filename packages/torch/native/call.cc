#include "call.h"

#include <ATen/core/Reduction.h>

#include <algorithm>
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

double elements(const Integers& shape) {
  double count = 1;
  for (const auto size : shape) count *= static_cast<double>(size);
  return count;
}

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

Call::Call(const Call& outer, size_t index, const Signature& fields) : env_(outer.env_), signature_(fields) {
  if (typeOf(env_, outer.raw(index)) != napi_object) outer.expected(index, "an object");
  for (size_t i = 0; i < fields.arguments.size(); i++) check(napi_get_named_property(env_, outer.raw(index), fields.arguments[i], &arguments_[i]));
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

void Call::expected(size_t index, const std::string& what) const {
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

uint32_t Call::length(size_t index, const char* what) const {
  uint32_t length = 0;
  if (napi_get_array_length(env_, arguments_[index], &length) != napi_ok) expected(index, what);
  if (length > maximumLength) expected(index, std::string(what) + " of up to " + std::to_string(maximumLength));
  return length;
}

std::vector<at::Tensor> Call::tensors(size_t index, bool nulls) const {
  std::vector<at::Tensor> list(length(index, "an array of tensors"));
  for (uint32_t i = 0; i < list.size(); i++) {
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

int64_t Call::integer(size_t index, int64_t least, int64_t most) const {
  const double value = number(index);
  if (value != std::trunc(value) || std::abs(value) > largestInteger) expected(index, "a whole number");
  const auto integer = static_cast<int64_t>(value);
  if (integer < least || integer > most) {
    if (most == largestInteger) expected(index, "a whole number from " + std::to_string(least));
    expected(index, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return integer;
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

Integers Call::integers(size_t index) const {
  if (typeOf(env_, arguments_[index]) == napi_number) return Integers(1, integer(index));
  Integers list(length(index, "a whole number or an array of them"));
  for (uint32_t i = 0; i < list.size(); i++) {
    napi_value element;
    check(napi_get_element(env_, arguments_[index], i, &element));
    double value = 0;
    const bool whole = napi_get_value_double(env_, element, &value) == napi_ok && value == std::trunc(value);
    if (!whole || std::abs(value) > largestInteger) expected(index, "whole numbers");
    list[i] = static_cast<int64_t>(value);
  }
  return list;
}

Integers Call::integers(size_t index, size_t count) const {
  if (typeOf(env_, arguments_[index]) == napi_number) return Integers(count, integer(index));
  auto list = integers(index);
  if (list.size() != count) expected(index, "a whole number or " + std::to_string(count) + " of them");
  return list;
}

Integers Call::shape(size_t index) const {
  auto list = integers(index);
  const bool negative = std::any_of(list.begin(), list.end(), [](int64_t size) { return size < 0; });
  if (negative || elements(list) > largestInteger) expected(index, "sizes from 0 up that memory can hold");
  return list;
}

Integers Call::size(size_t index) const {
  auto list = integers(index, 2);
  if (list[0] < 1 || list[1] < 1) expected(index, "a height and a width from 1 up");
  return list;
}

at::ScalarType Call::dtype(size_t index) const {
  const auto wanted = string(index);
  for (const auto& [name, type] : dtypes) {
    if (wanted == name) return type;
  }
  expected(index, "float32, float64, bfloat16, float16, int64, uint8 or bool");
}

at::Device Call::device(size_t index) const {
  const auto name = string(index);
  const bool numbered = name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() < 8 && name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cpu" && name != "cuda" && name != "meta" && !numbered) expected(index, "cpu, cuda, cuda:0 or meta");
  return at::Device(name);
}

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

AlignCorners Call::alignCorners(size_t index) const {
  napi_valuetype type;
  check(napi_typeof(env_, arguments_[index], &type));
  if (type == napi_boolean) return boolean(index) ? AlignCorners::yes : AlignCorners::no;
  if (type == napi_string && string(index) == "asymmetric") return AlignCorners::asymmetric;
  expected(index, "true, false or asymmetric");
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

std::string Call::describeArgument(napi_value value, int depth) const {
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
    if (depth == 0) return "[...]";
    std::string text = "[";
    for (uint32_t i = 0; i < std::min(length, 8u); i++) {
      napi_value element;
      if (napi_get_element(env_, value, i, &element) == napi_ok) text += (i == 0 ? "" : ",") + describeArgument(element, depth - 1);
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
