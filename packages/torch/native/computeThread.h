// Work off the event loop: one thread, so that the compute threads of libtorch are one team and are never oversubscribed.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "call.h"
#include "deferred.h"

namespace binding {

/** Queues `work`; the result is a promise of what it returns, or of the error that it throws. */
napi_value computeLater(const Call& call, std::function<MakeValue()> work);
napi_value computeLater(const Call& call, std::function<at::Tensor()> work);

/** Whether the process ends: work that takes long looks at it now and then, and gives up. */
bool computingStops();

}  // namespace binding
