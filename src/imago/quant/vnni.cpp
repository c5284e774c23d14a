#include "imago/quant/vnni.h"

#include <atomic>

namespace imago::quant {
namespace {

bool detect() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512vnni") != 0;
#else
  return false;
#endif
}

std::atomic<bool>& usable() {
  static std::atomic<bool> value = detect();
  return value;
}

}  // namespace

bool has_vnni() { return usable().load(std::memory_order_relaxed); }

void allow_vnni(bool allowed) { usable() = allowed && detect(); }

}  // namespace imago::quant
