// What stands around every call: denormals, exceptions, and the list of exports.
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

#include <string>

#include "call.h"
#include "environment.h"
#include "parallel.h"

namespace binding {

namespace {

std::vector<std::pair<const char*, napi_callback>>& exportedFunctions() {
  static std::vector<std::pair<const char*, napi_callback>> functions;
  return functions;
}

#if defined(__x86_64__) || defined(_M_X64)
constexpr uint64_t flushBits = 0x8040;  // flush to zero, denormals are zero
uint64_t readControl() { return _mm_getcsr(); }
void writeControl(uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
constexpr uint64_t flushBits = uint64_t{1} << 24;
uint64_t readControl() {
  uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void writeControl(uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
constexpr uint64_t flushBits = 0;
uint64_t readControl() { return 0; }
void writeControl(uint64_t) {}
#endif

std::string firstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void throwError(const Call& call, const Signature& signature, const std::string& reason, const char* code = "ERR_LIBTORCH") {
  const auto operands = call.describe();
  std::string message = std::string(signature.name) + ": " + firstLine(reason);
  if (!operands.empty()) message += " (" + operands + ")";
  napi_throw_error(call.env(), code, message.c_str());
}

}  // namespace

FlushDenormals::FlushDenormals() : saved_(readControl()) { writeControl(saved_ | flushBits); }
FlushDenormals::~FlushDenormals() { writeControl(saved_); }

void flushDenormalsInPool() {
  const uint64_t caller = readControl();
  parallelFor(at::get_num_threads(), 1, [](int64_t, int64_t) { writeControl(readControl() | flushBits); });
  writeControl(caller);
}

napi_value guarded(napi_env env, napi_callback_info info, const Signature& signature, Body body) noexcept {
  Call call(env, info, signature);
  FlushDenormals flush;
  try {
    if (const auto environment = Environment::of(env)) environment->collect();
    return body(call);
  } catch (const PendingException&) {
  } catch (const CollectiveFailed& error) {
    throwError(call, signature, error.what(), "ERR_COLLECTIVE");
  } catch (const c10::Error& error) {
    throwError(call, signature, error.what_without_backtrace());
  } catch (const std::exception& error) {
    throwError(call, signature, error.what());
  } catch (...) {
    throwError(call, signature, "an unknown C++ exception");
  }
  return nullptr;
}

Registration::Registration(const char* name, napi_callback callback) { exportedFunctions().emplace_back(name, callback); }

}  // namespace binding

NAPI_MODULE_INIT() {
  if (binding::Environment::open(env) != napi_ok) return nullptr;
  for (const auto& [name, callback] : binding::exportedFunctions()) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) != napi_ok) return nullptr;
    if (napi_set_named_property(env, exports, name, function) != napi_ok) return nullptr;
  }
  binding::FlushDenormals flush;
  binding::flushDenormalsInPool();
  return exports;
}
