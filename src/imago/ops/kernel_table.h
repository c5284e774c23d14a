// How kernels reach their operations. CMake finds every ops/<op>/<op>_cpu.cpp (and _cuda.cu) and writes a table of
// calls to
//   void register_<op>_cpu(KernelTable&);
// which that file defines. Calls, because a linker may drop a static initialiser.
#pragma once

#include <initializer_list>
#include <span>

#include "imago/ops/apply.h"

namespace imago {

inline constexpr std::initializer_list<DType> kFloatingDTypes = {DType::f64, DType::f32, DType::f16, DType::bf16};
inline constexpr std::initializer_list<DType> kComputedDTypes = {DType::f64, DType::f32,    DType::f16, DType::bf16,
                                                                 DType::i64, DType::i32,    DType::i16, DType::i8,
                                                                 DType::u8,  DType::boolean};
inline constexpr std::initializer_list<DType> kAllDTypes = {
    DType::f64, DType::f32, DType::f16, DType::bf16,    DType::i64,       DType::i32,
    DType::i16, DType::i8,  DType::u8,  DType::boolean, DType::f8_e4m3fn, DType::f8_e5m2};

class KernelTable {
 public:
  // `kRun` computes the operation for a first input of one of `dtypes`; inputs may be strided, outputs are dense.
  //   table.add<op::RMSNorm, rms_norm_cpu>(Device::kCPU, {DType::f32, DType::bf16});
  template <class Op, void (*kRun)(const Op&, std::span<const Tensor>, std::span<Tensor>)>
  void add(Device device, std::initializer_list<DType> dtypes) {
    Kernel& kernel = op_info<Op>().kernels[static_cast<size_t>(device)];
    kernel.run = [](const void* op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
      kRun(*static_cast<const Op*>(op), inputs, outputs);
    };
    for (DType dtype : dtypes) kernel.dtypes |= 1u << static_cast<int>(dtype);
  }
};

// Fills the table on the first call, on whichever thread that comes.
void register_kernels_once();

}  // namespace imago
