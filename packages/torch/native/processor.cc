#include "processor.h"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace binding {

namespace {

bool processorHasBfloat16() {
#if defined(__x86_64__) && defined(__GNUC__)
  // Those with AMX have AVX512-BF16 too.
  return __builtin_cpu_supports("avx512bf16") != 0;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long bf16 = 1UL << 14;  // HWCAP2_BF16
  return (getauxval(AT_HWCAP2) & bf16) != 0;
#elif defined(__aarch64__) && defined(__APPLE__)
  int found = 0;
  size_t size = sizeof found;
  return sysctlbyname("hw.optional.arm.FEAT_BF16", &found, &size, nullptr, 0) == 0 && found != 0;
#else
  return false;
#endif
}

bool processorHasAmx() {
#if defined(__x86_64__) && defined(__GNUC__)
  unsigned int a = 0, b = 0, c = 0, features = 0;
  constexpr unsigned int amxBf16 = 1U << 22;
  return __get_cpuid_count(7, 0, &a, &b, &c, &features) != 0 && (features & amxBf16) != 0;
#else
  return false;
#endif
}

bool isIntel() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

constexpr std::array<std::string_view, 7> withoutBfloat16{"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"};
constexpr std::array<std::string_view, 3> withoutAmx{"AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512"};

/** Whether oneDNN's environment variable, under its new name or its old one, keeps it to one of these sets of instructions. */
template <size_t count>
bool limitedTo(const std::array<std::string_view, count>& names) {
  const char* value = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (value == nullptr) value = std::getenv("DNNL_MAX_CPU_ISA");
  if (value == nullptr) return false;
  std::string wanted(value);
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

}  // namespace

bool oneDnnHasBfloat16() {
  static const bool has = [] {
    const auto operation = c10::Dispatcher::singleton().findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""});
    return at::hasMKLDNN() && operation.has_value() && operation->typed<bool()>().call();
  }();
  return has;
}

bool oneDnnUsesBfloat16Instructions() {
  static const bool uses = oneDnnHasBfloat16() && processorHasBfloat16() && !limitedTo(withoutBfloat16);
  return uses;
}

bool oneDnnIsFastAtBfloat16() {
  static const bool fast = oneDnnUsesBfloat16Instructions() && !(isIntel() && !processorHasAmx());
  return fast;
}

bool oneDnnUsesAmx() {
  static const bool uses = oneDnnUsesBfloat16Instructions() && processorHasAmx() && !limitedTo(withoutAmx);
  return uses;
}

}  // namespace binding
