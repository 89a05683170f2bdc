#include "handle.h"

#include <atomic>
#include <memory>

#include "call.h"

namespace binding {

namespace {

struct Handle {
  at::Tensor tensor;
  /** Bytes that the garbage collector has been told of. */
  int64_t reported = 0;
};

constexpr napi_type_tag handleTag{0x5d3c1f0a7be84c21, 0x9a6e40d1c7f25b38};

std::atomic<int64_t> live{0};

void release(napi_env env, Handle& handle) {
  if (handle.tensor.defined()) live--;
  handle.tensor = at::Tensor();
  if (handle.reported != 0) {
    int64_t total = 0;
    napi_adjust_external_memory(env, -handle.reported, &total);
    handle.reported = 0;
  }
}

void finalize(napi_env env, void* data, void*) {
  FlushDenormals flush;
  std::unique_ptr<Handle> handle(static_cast<Handle*>(data));
  release(env, *handle);
}

Handle* handleIn(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  bool tagged = false;
  if (napi_check_object_type_tag(env, value, &handleTag, &tagged) != napi_ok || !tagged) return nullptr;
  void* data = nullptr;
  return napi_get_value_external(env, value, &data) == napi_ok ? static_cast<Handle*>(data) : nullptr;
}

Handle& requireHandle(const Call& call) {
  auto* handle = handleIn(call.env(), call.raw(0));
  if (handle == nullptr) throw std::invalid_argument("expected a Tensor");
  return *handle;
}

}  // namespace

napi_status makeHandle(napi_env env, const at::Tensor& tensor, napi_value* value) {
  auto handle = std::make_unique<Handle>(Handle{tensor});
  if (const auto status = napi_create_external(env, handle.get(), finalize, nullptr, value); status != napi_ok) return status;
  handle.release();
  live++;
  return napi_type_tag_object(env, *value, &handleTag);
}

at::Tensor* tensorIn(napi_env env, napi_value value) {
  auto* handle = handleIn(env, value);
  return handle == nullptr ? nullptr : &handle->tensor;
}

FUNCTION(dispose, "tensor") {
  release(call.env(), requireHandle(call));
  return call.undefined();
}

// Told only of tensors outside a scope: those inside are freed at its end, and each report may start a collection.
FUNCTION(reportMemory, "tensor") {
  auto& handle = requireHandle(call);
  if (handle.tensor.defined() && handle.reported == 0 && handle.tensor.has_storage() && handle.tensor.is_cpu()) {
    handle.reported = static_cast<int64_t>(handle.tensor.storage().nbytes());
    int64_t total = 0;
    call.check(napi_adjust_external_memory(call.env(), handle.reported, &total));
  }
  return call.undefined();
}

FUNCTION(liveTensors) { return call.result(live.load()); }

}  // namespace binding
