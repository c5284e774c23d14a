#include "imago/export/quantize.h"

#include <fmt/core.h>

#include <cstring>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/io/gguf_header.h"
#include "imago/io/save_gguf.h"
#include "imago/quant/block_matrix.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

constexpr const char* kWhere = "quantize";

// What a tensor becomes; null where it stays as it is.
const quant::Format* format_for(const std::string& name, const TensorInfo& info, const quant::Format& method) {
  const bool is_float = !info.format.empty() || info.dtype == DType::f32;
  if (info.shape.size() != 2 || !is_float) return nullptr;
  // Positions are added as they are, once per token; they are small, and some engines read them as floats only.
  if (name.starts_with("position_embd") || name.starts_with("token_types")) return nullptr;
  const bool outermost = name == "token_embd.weight" || name == "output.weight";
  const quant::Format& fine = quant::find_format("q6_k");
  const quant::Format& wanted = outermost && method.bits_per_weight() < 6 ? fine : method;
  const int64_t columns = info.shape.back();
  if (quant::fits(wanted, columns)) return &wanted;
  return quant::fits(method, columns) ? &method : &quant::find_format("f16");
}

class Quantizer {
 public:
  Quantizer(const std::string& path, const quant::Format& method)
      : file_(MappedFile::open(path)), header_(parse_gguf_header(file_.bytes())), method_(method) {}

  QuantizeReport run(const std::string& to, const std::function<void(size_t, size_t)>& progress) {
    std::vector<GgufTensor> tensors;
    for (size_t i = 0; i < header_.names.size(); ++i) {
      tensors.push_back(plan(i));
      tensors.back().write = [this, i, &progress](FileWriter& writer) {
        write(i, writer);
        if (progress) progress(i + 1, header_.names.size());
      };
    }
    save_gguf(to, entries(), tensors);
    return report_;
  }

 private:
  GgufTensor plan(size_t i) {
    const TensorInfo& info = header_.infos[i];
    const quant::Format* format = format_for(header_.names[i], info, method_);
    GgufTensor tensor{header_.names[i], info.shape, 0, info.end - info.begin, {}};
    std::string name(info.format.empty() ? to_string(info.dtype) : info.format);
    if (format != nullptr) {
      tensor.ggml_type = *format->ggml_type;
      tensor.bytes = info.shape.product() / format->block_elements * format->block_bytes;
      name = format->name;
    } else if (!info.format.empty()) {
      tensor.ggml_type = *quant::find_format(info.format).ggml_type;
    } else if (info.dtype != DType::f32) {
      throw Error(ErrorKind::kUnsupported, kWhere,
                  fmt::format("tensor {} is {}", header_.names[i], to_string(info.dtype)));
    }
    report_.bytes_before += info.end - info.begin;
    report_.bytes_after += tensor.bytes;
    report_.weights += info.shape.product();
    ++report_.tensors_by_format[name];
    report_.weights_by_format[name] += info.shape.product();
    return tensor;
  }

  // The values of a matrix in float32.
  Tensor values(const TensorInfo& info) const {
    const auto storage = Storage::borrow(file_.bytes().data() + info.begin, info.end - info.begin,
                                         std::make_shared<MappedFile>(file_), false);
    if (info.format.empty()) {
      return Tensor::on_storage(storage, 0, info.shape, contiguous_strides(info.shape), info.dtype);
    }
    const quant::Format& format = quant::find_format(info.format);
    return decode(Tensor::encoded(std::make_shared<quant::BlockMatrix>(format, info.shape[0], info.shape[1], storage),
                                  DType::f32));
  }

  void write(size_t i, FileWriter& writer) const {
    const TensorInfo& info = header_.infos[i];
    const ErrorScope scope(header_.names[i]);
    const quant::Format* format = format_for(header_.names[i], info, method_);
    if (format == nullptr || format->name == info.format) {
      writer.write(file_.bytes().data() + info.begin, static_cast<size_t>(info.end - info.begin));
      return;
    }
    const Tensor encoded = quant::encode(values(info), *format);
    const auto bytes = dynamic_cast<const quant::BlockMatrix&>(*encoded.encoding()).bytes();
    writer.write(bytes.data(), bytes.size());
  }

  // The file's own, less what described its old format.
  std::vector<std::pair<std::string, GgufValue>> entries() const {
    static const std::string kVersion = gguf_number<uint32_t>(2);
    std::vector<std::pair<std::string, GgufValue>> entries;
    for (const auto& [key, value] : header_.metadata.entries()) {
      if (key != "general.file_type" && key != "general.quantization_version") entries.emplace_back(key, value);
    }
    entries.emplace_back("general.quantization_version", GgufValue{GgufType::kUint32, GgufType::kUint32, 1, kVersion});
    return entries;
  }

  MappedFile file_;
  GgufHeader header_;
  const quant::Format& method_;
  QuantizeReport report_;
};

}  // namespace

QuantizeReport quantize_gguf(const std::string& from, const std::string& to, const std::string& method,
                             const std::function<void(size_t, size_t)>& progress) {
  const quant::Format& format = quant::find_format(method);
  if (!format.ggml_type) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} has no place in GGUF files", method));
  }
  const ErrorScope scope(from);
  return Quantizer(from, format).run(to, progress);
}

}  // namespace imago
