// A tensor held by a JavaScript object.
#pragma once

#include <ATen/core/Tensor.h>
#include <node_api.h>

namespace binding {

/** Makes the JavaScript value that holds `tensor` until it is released or collected. */
napi_status makeHandle(napi_env env, const at::Tensor& tensor, napi_value* value);

/** The tensor that a value holds (undefined once released), or nullptr when the value is no handle. */
at::Tensor* tensorIn(napi_env env, napi_value value);

}  // namespace binding
