#include "imago/tensor/dtype.h"

#include <fmt/core.h>

#include <array>

#include "imago/base/error.h"

namespace imago {
namespace {

struct DTypeFacts {
  std::string_view name, short_name;
  int64_t size;
  bool floating;
  double epsilon;
};

// In the order of the enumeration.
constexpr std::array<DTypeFacts, kNumDTypes> kFacts = {{
    {"float64", "f64", 8, true, 0x1p-52},
    {"float32", "f32", 4, true, 0x1p-23},
    {"float16", "f16", 2, true, 0x1p-10},
    {"bfloat16", "bf16", 2, true, 0x1p-7},
    {"int64", "i64", 8, false, 0},
    {"int32", "i32", 4, false, 0},
    {"int16", "i16", 2, false, 0},
    {"int8", "i8", 1, false, 0},
    {"uint8", "u8", 1, false, 0},
    {"bool", "boolean", 1, false, 0},
    {"float8_e4m3fn", "f8_e4m3fn", 1, true, 0x1p-3},
    {"float8_e5m2", "f8_e5m2", 1, true, 0x1p-2},
}};

const DTypeFacts& facts(DType dtype) { return kFacts[static_cast<size_t>(dtype)]; }

}  // namespace

int64_t size_of(DType dtype) { return facts(dtype).size; }
std::string_view to_string(DType dtype) { return facts(dtype).name; }
bool is_floating_point(DType dtype) { return facts(dtype).floating; }
bool is_integral(DType dtype) { return !facts(dtype).floating && dtype != DType::boolean; }
double epsilon_of(DType dtype) { return facts(dtype).epsilon; }

DType parse_dtype(std::string_view name) {
  std::string_view bare = name.starts_with("torch.") ? name.substr(6) : name;
  if (bare == "half" || bare == "fp16") bare = "float16";
  if (bare == "float" || bare == "fp32") bare = "float32";
  if (bare == "double" || bare == "fp64") bare = "float64";
  for (size_t i = 0; i < kFacts.size(); ++i) {
    if (bare == kFacts[i].name || bare == kFacts[i].short_name) return static_cast<DType>(i);
  }
  throw Error(
      ErrorKind::kInvalidArgument, "dtype", fmt::format("\"{}\" is not a dtype", name),
      "use float32, bfloat16, float16, float64, int64, int32, int16, int8, uint8, bool, float8_e4m3fn or float8_e5m2");
}

}  // namespace imago
