#include "environment.h"

#include <utility>

namespace binding {

napi_status Environment::open(napi_env env) {
  auto* own = new std::shared_ptr<Environment>(new Environment(env));
  const auto remove = [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Environment>*>(data); };
  if (const auto status = napi_set_instance_data(env, own, remove, nullptr); status != napi_ok) return status;
  return napi_add_env_cleanup_hook(env, [](void* data) { static_cast<Environment*>(data)->end(); }, own->get());
}

std::shared_ptr<Environment> Environment::of(napi_env env) {
  void* data = nullptr;
  return napi_get_instance_data(env, &data) == napi_ok && data != nullptr ? *static_cast<std::shared_ptr<Environment>*>(data) : nullptr;
}

void Environment::letGo(napi_ref reference) {
  std::lock_guard lock(mutex_);
  if (env_ == nullptr) return;
  letGo_.push_back(reference);
  waiting_ = true;
}

void Environment::collect() {
  if (!waiting_) return;
  std::vector<napi_ref> references;
  {
    std::lock_guard lock(mutex_);
    references = std::exchange(letGo_, {});
    waiting_ = false;
  }
  for (auto* reference : references) napi_delete_reference(env_, reference);
}

void Environment::end() {
  std::lock_guard lock(mutex_);
  env_ = nullptr;
  letGo_.clear();
}

}  // namespace binding
