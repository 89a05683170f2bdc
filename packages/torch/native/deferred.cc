#include "deferred.h"

#include <c10/util/Exception.h>

#include <memory>

#include "call.h"
#include "handle.h"

namespace binding {

/** What becomes of the promise: a value, or an error where there is none to make. */
struct Deferred::Kept {
  napi_deferred deferred;
  MakeValue make;
  std::string message;
  const char* code = nullptr;
};

MakeValue makeTensor(at::Tensor tensor) {
  return [tensor = std::move(tensor)](napi_env env) {
    napi_value value;
    if (makeHandle(env, tensor, &value) != napi_ok) throw PendingException();
    return value;
  };
}

MakeValue makeUndefined() {
  return [](napi_env env) {
    napi_value value;
    if (napi_get_undefined(env, &value) != napi_ok) throw PendingException();
    return value;
  };
}

Deferred::Deferred(const Call& call, const char* name, napi_value* promise) {
  napi_value told;
  call.check(napi_create_promise(call.env(), &deferred_, promise));
  call.check(napi_create_string_utf8(call.env(), name, NAPI_AUTO_LENGTH, &told));
  call.check(napi_create_threadsafe_function(call.env(), nullptr, nullptr, told, 0, 1, nullptr, nullptr, nullptr, settle, &done_));
}

void Deferred::resolve(MakeValue make) const { handOver(new Kept{deferred_, std::move(make), {}}); }

void Deferred::reject(std::string message, const char* code) const {
  handOver(new Kept{deferred_, nullptr, message.substr(0, message.find('\n')), code});
}

void Deferred::reject(const std::exception_ptr& thrown) const {
  try {
    std::rethrow_exception(thrown);
  } catch (const NotFinite& error) {
    reject(error.what(), "ERR_NOT_FINITE");
  } catch (const CollectiveFailed& error) {
    reject(error.what(), "ERR_COLLECTIVE");
  } catch (const c10::Error& error) {
    reject(error.what_without_backtrace());
  } catch (const std::exception& error) {
    reject(error.what());
  }
}

/** The event loop takes what is kept; or, when it is ending, nobody needs it any more, and `done_` must not be used again. */
void Deferred::handOver(Kept* kept) const {
  const auto status = napi_call_threadsafe_function(done_, kept, napi_tsfn_nonblocking);
  if (status != napi_ok) delete kept;
  if (status != napi_closing) napi_release_threadsafe_function(done_, napi_tsfn_release);
}

void Deferred::settle(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Kept> kept(static_cast<Kept*>(data));
  if (env == nullptr) return;
  if (kept->make) {
    try {
      napi_resolve_deferred(env, kept->deferred, kept->make(env));
    } catch (const PendingException&) {
    }
    return;
  }
  napi_value code, message, error;
  napi_create_string_utf8(env, kept->code, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, kept->message.c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &error);
  napi_reject_deferred(env, kept->deferred, error);
}

}  // namespace binding
