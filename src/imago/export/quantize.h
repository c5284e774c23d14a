// Models in fewer bits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace imago {

struct QuantizeReport {
  int64_t bytes_before = 0, bytes_after = 0;  // of the tensors
  int64_t weights = 0;
  std::map<std::string, int64_t> tensors_by_format;  // "q4_k", "float32", ...
  std::map<std::string, int64_t> weights_by_format;
  std::vector<std::string> left_out;  // tensors of a folder that GGUF files have no place for

  double bits_per_weight() const { return 8 * static_cast<double>(bytes_after) / static_cast<double>(weights); }
};

// Writes the model `from`, a GGUF file or a folder of the Hub, to the GGUF file `to` with its matrices in the weight
// format `method`, or as float32 where that is "f32". Formats below six bits leave the embeddings and the output matrix
// at q6_k, since all else depends on them. A matrix whose rows are no whole number of blocks of 256 is stored in a
// format of 32 (q5_0 for q4_k), one whose rows are no whole number of those as f16; vectors stay as they are. The
// report says what became of what. `progress` is called with the number of tensors done and of all. Throws Error
// kInvalidFile, kUnsupported (an unknown format, a format that has no number in GGUF, what gguf_parts_of_folder
// refuses) and kIo.
QuantizeReport quantize_gguf(const std::string& from, const std::string& to, const std::string& method,
                             const std::function<void(size_t done, size_t total)>& progress = {});

}  // namespace imago
