#include "imago/export/gguf_parts.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/io/gguf_header.h"
#include "imago/quant/block_matrix.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

struct OpenFile {
  explicit OpenFile(const std::string& path) : file(MappedFile::open(path)), header(parse_gguf_header(file.bytes())) {}
  MappedFile file;
  GgufHeader header;
};

Tensor values_of(const std::shared_ptr<const OpenFile>& open, const TensorInfo& info) {
  const auto storage =
      Storage::borrow(open->file.bytes().data() + info.begin, info.end - info.begin, open, /*writable=*/false);
  if (info.format.empty()) {
    return Tensor::on_storage(storage, 0, info.shape, contiguous_strides(info.shape), info.dtype);
  }
  const int64_t columns = info.shape[info.shape.size() - 1];
  const Tensor matrix =
      decode(Tensor::encoded(std::make_shared<quant::BlockMatrix>(quant::find_format(info.format),
                                                                  info.shape.product() / columns, columns, storage),
                             DType::f32));
  return matrix.alias(info.shape, contiguous_strides(info.shape), 0);
}

}  // namespace

GgufParts gguf_parts_of_file(const std::string& path) {
  const auto open = std::make_shared<const OpenFile>(path);
  GgufParts result;
  result.owner = open;
  const GgufHeader& header = open->header;
  for (const auto& [key, value] : header.metadata.entries()) {
    if (key != "general.file_type" && key != "general.quantization_version") {
      result.entries.add_view(std::string(key), value);
    }
  }
  for (size_t i = 0; i < header.names.size(); ++i) {
    const TensorInfo& info = header.infos[i];
    if (info.format.empty() && info.dtype != DType::f32) {
      throw Error(ErrorKind::kUnsupported, "quantize",
                  fmt::format("tensor {} is {}", header.names[i], to_string(info.dtype)));
    }
    const int64_t bytes = info.end - info.begin;
    result.parts.push_back({header.names[i], info.shape, info.format, bytes,
                            open->file.bytes().subspan(static_cast<size_t>(info.begin), static_cast<size_t>(bytes)),
                            [open, info] { return values_of(open, info); }});
  }
  return result;
}

}  // namespace imago
