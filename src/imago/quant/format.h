// Weight formats: how rows of a matrix are stored in blocks of few bits.
//
// A format is a folder quant/<format>/ with a struct of facts and a function that encodes one block:
//
//   namespace imago::quant {
//   struct Q8_0 {
//     static constexpr const char* kName = "q8_0";
//     static constexpr int64_t kElements = 32, kGroup = 32;
//     static constexpr bool kHasOffset = false;
//     struct Block { float16 scale; int8_t values[32]; };
//     static_assert(sizeof(Block) == 34);
//     static void encode(const float* x, Block& block);
//   };
//   }
//
// Every format of blocks comes down to groups of small integers that share a scale and an offset, w = scale * q +
// offset, so that all of them share one decoder and one set of matrix products (group_product.h). What a format adds to
// them is how its blocks are unpacked (unpack-inl.h), in quant/<format>/<format>.cpp, compiled for each instruction
// set. CMake finds these files and writes a table of calls to
//   void register_<format>(FormatTable&);
// which each of them defines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace imago::quant {

struct RoundedRow;

// What is compiled for each instruction set.
struct GroupKernels {
  // The groups of `blocks` blocks: q [elements], scale and offset [elements / group]; the latter is left alone where
  // there are none.
  void (*unpack)(const std::byte* from, int64_t blocks, int8_t* q, float* scale, float* offset);
  // A row of x in the order in which these products read it.
  void (*round)(const float* x, int64_t columns, int64_t group, const RoundedRow& row);
  // y [rows]: rows of `blocks` blocks, one after another, times x.
  void (*multiply_row)(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow& x, float* y);
  // The same for `m` rows of x; those of y are `stride` apart. Null where rows are better unpacked to memory first.
  void (*multiply_rows)(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow* x, int64_t m, float* y,
                        int64_t stride);
};

struct Format {
  std::string_view name;                // "q8_0"
  std::optional<uint32_t> ggml_type;    // the number that GGUF files have for it
  int64_t block_elements, block_bytes;  // a row is a whole number of blocks
  int64_t group;                        // elements that share a scale, 16 or 32; 0: the elements are floats themselves
  bool has_offset;

  // `blocks` blocks from their values; the nearest that the format's search finds.
  void (*encode)(const float* from, int64_t blocks, std::byte* to);
  // Those compiled for the processor. Null where group is 0.
  GroupKernels (*kernels)();
  // Values of `blocks` blocks where the elements are floats; null where they are groups.
  void (*widen)(const std::byte* from, int64_t blocks, float* to);
  // The product of EncodedMatrix::multiply with rows that lie one after another; null where elements are groups.
  void (*multiply)(const std::byte* from, int64_t rows, int64_t columns, const float* x, int64_t m, int64_t stride,
                   const float* bias, float* y);

  double bits_per_weight() const { return 8 * static_cast<double>(block_bytes) / static_cast<double>(block_elements); }
};

// The values of `blocks` blocks, each scale * q rounded to float before the offset is added: the reference's order.
void decode_blocks(const Format& format, const std::byte* from, int64_t blocks, float* to);

class FormatTable {
 public:
  void add(const Format& format) { formats_.push_back(format); }
  const std::vector<Format>& formats() const { return formats_; }

 private:
  std::vector<Format> formats_;
};

// The formats of this build, in the order of their names.
const std::vector<Format>& formats();
// By name, in lower or upper case. Throws Error kUnsupported listing the names there are.
const Format& find_format(std::string_view name);
// Null where there is none.
const Format* find_ggml_format(uint32_t ggml_type);

// The description of a format of groups.
template <class F>
Format group_format(GroupKernels (*kernels)()) {
  Format format{};
  format.name = F::kName;
  if constexpr (requires { F::kGgmlType; }) format.ggml_type = F::kGgmlType;
  format.block_elements = F::kElements;
  format.block_bytes = sizeof(typename F::Block);
  format.group = F::kGroup;
  format.has_offset = F::kHasOffset;
  format.encode = [](const float* from, int64_t blocks, std::byte* to) {
    auto* block = reinterpret_cast<typename F::Block*>(to);
    for (int64_t i = 0; i < blocks; ++i) F::encode(from + i * F::kElements, block[i]);
  };
  format.kernels = kernels;
  return format;
}

}  // namespace imago::quant
