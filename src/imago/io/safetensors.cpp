#include "imago/io/safetensors.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/quote.h"

namespace imago {
namespace {

void check_savable(const NamedTensors& tensors) {
  auto refuse = [](const std::string& name, std::string_view what, std::string_view hint) {
    throw Error(ErrorKind::kInvalidArgument, "save_safetensors", fmt::format("tensor {} {}", quote(name), what), hint);
  };
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) refuse(name, "is undefined", "leave it out");
    if (tensor.device() != Device::kCPU) refuse(name, "is not on the cpu", "move it there first");
    if (!tensor.is_contiguous()) refuse(name, "is not contiguous", "save contiguous(tensor)");
    names.push_back(name);
  }
  const NameTable table(std::move(names));
  if (const std::string* twice = table.duplicate()) refuse(*twice, "is listed twice", "give every tensor its own name");
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  const ErrorScope scope(path);
  MappedFile file = MappedFile::open(path);
  SafetensorsHeader header = parse_safetensors_header(file.bytes());
  return SafetensorsFile(std::move(file), std::move(header));
}

SafetensorsFile::SafetensorsFile(MappedFile file, SafetensorsHeader header)
    : TensorFile(std::move(file), std::move(header.names), std::move(header.infos)),
      metadata_(std::move(header.metadata)) {}

Tensor SafetensorsFile::read(size_t index) const {
  const TensorInfo& info = info_at(index);
  return view(info.begin, info.end - info.begin, 0, contiguous_strides(info.shape), info);
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::optional<SafetensorsMetadata>& metadata) {
  check_savable(tensors);
  const std::vector<size_t> order = safetensors_order(tensors);
  const std::string header = write_safetensors_header(tensors, order, metadata);
  write_file_atomically(path, [&](FileWriter& writer) {
    writer.write(header);
    for (const size_t index : order) {
      const Tensor& tensor = tensors[index].second;
      writer.write(tensor.const_data_raw(), static_cast<size_t>(tensor.nbytes()));
    }
  });
}

}  // namespace imago
