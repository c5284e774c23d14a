#include "imago/export/quantize.h"

#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/export/gguf_parts.h"
#include "imago/io/save_gguf.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/quant/block_matrix.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

constexpr const char* kWhere = "quantize";

// What stands in for a format of blocks of 256 where rows are no whole number of them, as llama.cpp has it; rows that
// are no whole number of blocks of 32 either are f16.
const quant::Format& with_smaller_blocks(const quant::Format& format, int64_t columns) {
  constexpr std::pair<std::string_view, std::string_view> kStandIns[] = {{"q2_k", "iq4_nl"},   {"q3_k", "iq4_nl"},
                                                                         {"iq4_xs", "iq4_nl"}, {"q4_k", "q5_0"},
                                                                         {"q5_k", "q5_1"},     {"q6_k", "q8_0"}};
  for (const auto& [large, small] : kStandIns) {
    if (format.name != large) continue;
    const quant::Format& found = quant::find_format(small);
    if (quant::fits(found, columns)) return found;
  }
  return quant::find_format("f16");
}

// What a tensor becomes; null where it stays as it is. `method` is null for float32.
const quant::Format* format_for(const GgufPart& part, const quant::Format* method) {
  if (part.shape.size() < 2 || method == nullptr) return nullptr;
  // Positions are added as they are, once per token; they are small, and some engines read them as floats only.
  if (part.name.starts_with("position_embd") || part.name.starts_with("token_types")) return nullptr;
  // Which experts are asked hangs on small differences.
  if (part.name.ends_with("ffn_gate_inp.weight")) return nullptr;
  const bool outermost = part.name == "token_embd.weight" || part.name == "output.weight";
  const quant::Format& fine = quant::find_format("q6_k");
  const quant::Format& wanted = outermost && method->bits_per_weight() < 6 ? fine : *method;
  const int64_t columns = part.shape.back();
  if (quant::fits(wanted, columns)) return &wanted;
  return quant::fits(*method, columns) ? method : &with_smaller_blocks(wanted, columns);
}

class Quantizer {
 public:
  Quantizer(GgufParts model, const quant::Format* method) : model_(std::move(model)), method_(method) {}

  QuantizeReport run(const std::string& to, const std::function<void(size_t, size_t)>& progress) {
    std::vector<GgufTensor> tensors;
    for (const GgufPart& part : model_.parts) {
      tensors.push_back(plan(part));
      tensors.back().write = [this, &part, &progress, done = tensors.size()](FileWriter& writer) {
        write(part, writer);
        if (progress) progress(done, model_.parts.size());
      };
    }
    report_.left_out = model_.left_out;
    model_.entries.add_integer("general.quantization_version", 2);
    save_gguf(to, model_.entries.list(), tensors);
    return report_;
  }

 private:
  // As float32, where only the method says so; else formats stay.
  const quant::Format* target(const GgufPart& part) const {
    const quant::Format* format = format_for(part, method_);
    if (format == nullptr && method_ != nullptr && !part.format.empty()) return &quant::find_format(part.format);
    return format;
  }

  GgufTensor plan(const GgufPart& part) {
    const quant::Format* format = target(part);
    const int64_t elements = part.shape.product();
    GgufTensor tensor{part.name, part.shape, 0, elements * static_cast<int64_t>(sizeof(float)), {}};
    std::string name(to_string(DType::f32));
    if (format != nullptr) {
      tensor.ggml_type = *format->ggml_type;
      tensor.bytes = elements / format->block_elements * format->block_bytes;
      name = format->name;
    }
    report_.bytes_before += part.bytes;
    report_.bytes_after += tensor.bytes;
    report_.weights += elements;
    ++report_.tensors_by_format[name];
    report_.weights_by_format[name] += elements;
    return tensor;
  }

  void write(const GgufPart& part, FileWriter& writer) const {
    const ErrorScope scope(part.name);
    const quant::Format* format = target(part);
    if (!part.raw.empty() && part.format == (format == nullptr ? std::string_view() : format->name)) {
      writer.write(part.raw.data(), part.raw.size());
    } else if (format == nullptr) {
      const Tensor values = part.values();
      writer.write(values.const_data_raw(), static_cast<size_t>(values.nbytes()));
    } else {
      const Tensor encoded = quant::encode(reshape(part.values(), {-1, part.shape.back()}), *format);
      const auto bytes = dynamic_cast<const quant::BlockMatrix&>(*encoded.encoding()).bytes();
      writer.write(bytes.data(), bytes.size());
    }
  }

  GgufParts model_;
  const quant::Format* method_;
  QuantizeReport report_;
};

}  // namespace

QuantizeReport quantize_gguf(const std::string& from, const std::string& to, const std::string& method,
                             const std::function<void(size_t, size_t)>& progress) {
  const quant::Format* const format = method == "f32" ? nullptr : &quant::find_format(method);
  if (format != nullptr && !format->ggml_type) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} has no place in GGUF files", method));
  }
  const ErrorScope scope(from);
  return Quantizer(from.ends_with(".gguf") ? gguf_parts_of_file(from) : gguf_parts_of_folder(from), format)
      .run(to, progress);
}

}  // namespace imago
