// A quantized checkpoint from anywhere: a line with its quantization_config, then a safetensors file. Its weights are
// refused, or they can be decoded and multiplied with.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/checkpoint.h"
#include "imago/io/quantized_checkpoint.h"
#include "imago/io/safetensors.h"
#include "imago/tensor/encoded_matrix.h"

namespace {

// A file in memory, for readers take paths.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", 0)) {
    if (descriptor_ < 0 || ::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      __builtin_trap();  // of no input's making
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void use(const imago::Checkpoint& whole, const std::string& name) {
  constexpr int64_t kMaxElements = 1 << 16;
  if (whole.info(name).shape.product() > kMaxElements) return;
  const imago::Tensor weight = whole.tensor(name);
  if (!weight.encoding()) return;
  imago::decode(weight);
  const std::vector<float> x(static_cast<size_t>(weight.size(1)), 1.0F);
  std::vector<float> y(static_cast<size_t>(weight.size(0)));
  weight.encoding()->multiply(x.data(), 1, weight.size(1), nullptr, y.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t line = bytes.find('\n');
  if (line == std::string_view::npos) return 0;
  const MemoryFile file(bytes.substr(line + 1));
  try {
    const Json config = parse_json(bytes.substr(0, line), "fuzz");
    const Checkpoint checkpoint =
        Checkpoint::of_file(std::make_shared<SafetensorsFile>(SafetensorsFile::open(file.path())));
    const Checkpoint whole = with_whole_weights(checkpoint, config);
    for (const std::string& name : whole.names()) {
      try {
        use(whole, name);
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
