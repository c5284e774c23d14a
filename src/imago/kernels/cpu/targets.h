// Which instruction set the kernels use on this machine.
#pragma once

namespace imago::kernels {

// "AVX2", "AVX3", "NEON", "EMU128" (plain), ...: the best of those compiled in that the processor has.
const char* active_target();

}  // namespace imago::kernels
