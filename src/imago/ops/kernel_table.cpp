#include "imago/ops/kernel_table.h"

namespace imago {

void register_all_kernels(KernelTable& table);

void register_kernels_once() {
  [[maybe_unused]] static const bool done = [] {
    KernelTable table;
    register_all_kernels(table);
    return true;
  }();
}

}  // namespace imago
