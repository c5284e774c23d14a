#include "imago/kernels/cpu/convert.h"
#include "imago/quant/float_product.h"
#include "imago/quant/format.h"

namespace imago {

// Elements stored as float16 and computed with in float. Apart from the dtype of that name, in which activations are
// float16 too: files of other formats mix it with float32.
void register_f16(quant::FormatTable& table) {
  quant::Format format{};
  format.name = "f16";
  format.ggml_type = 1;
  format.block_elements = 1;
  format.block_bytes = sizeof(float16);
  format.encode = [](const float* from, int64_t count, std::byte* to) {
    kernels::convert(from, reinterpret_cast<float16*>(to), count);
  };
  format.widen = [](const std::byte* from, int64_t count, float* to) {
    kernels::convert(reinterpret_cast<const float16*>(from), to, count);
  };
  format.multiply = quant::multiply_floats<float16>;
  table.add(format);
}

}  // namespace imago
