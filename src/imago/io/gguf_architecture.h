// How a GGUF file's metadata and tensors become a configuration and a checkpoint of the Hub, as data. Each architecture
// stands beside its model, in models/<model_type>/<model_type>_gguf.cpp; CMake writes a table of calls to
//   void register_<model_type>_gguf(GgufArchitectures&);
// which that file defines.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/io/gguf_header.h"

namespace imago {

// What a configuration is made from.
struct GgufSource {
  std::string_view architecture;
  const GgufHeader& header;
  std::span<const std::byte> file;

  std::string key(std::string_view name) const;  // "llama.<name>"
  bool has_tensor(std::string_view name) const;
  // Sizes in row-major order. Throws Error kInvalidFile where there is no such tensor.
  const Shape& shape(std::string_view name) const;
  std::vector<double> floats(std::string_view name) const;  // of a float32 tensor
  // Throw Error kInvalidFile where the key is missing.
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
};

struct GgufArchitecture {
  enum class Kind { kInteger, kNumber, kIgnored };
  // An entry "<architecture>.<key>" of the metadata. kIgnored: it is computed from elsewhere, by `complete`, or changes
  // nothing. An entry that is not listed makes loading fail: it may change the arithmetic.
  struct Key {
    std::string_view key;
    std::string_view config;  // the key of config.json
    Kind kind = Kind::kInteger;
    bool required = false;
  };
  // Tensors by the part of their names before ".weight" or ".bias"; * stands for a number.
  struct Tensor {
    std::string_view gguf, checkpoint;
    // The entry that counts the heads of a projection to rotary positions: the file has each head's rows in pairs
    // (0, 1), (2, 3), ..., the Hub in halves (0, n/2), (1, n/2 + 1), .... Empty for rows as they are stored.
    std::string_view rotary_heads;
  };

  std::string_view name;          // general.architecture
  std::string_view model_type;    // of config.json
  std::string_view architecture;  // the class in config.json
  std::vector<Key> keys;
  std::vector<Tensor> tensors;
  std::vector<std::string_view> ignored_tensors;
  // What needs more than a table. Throws Error kUnsupported for what the model does not compute.
  void (*complete)(const GgufSource& source, Json& config) = nullptr;
};

class GgufArchitectures {
 public:
  void add(GgufArchitecture architecture) { list_.push_back(std::move(architecture)); }
  // Throws Error kUnsupported listing the names there are.
  const GgufArchitecture& find(std::string_view name) const;
  const std::vector<GgufArchitecture>& list() const { return list_; }

 private:
  std::vector<GgufArchitecture> list_;
};

}  // namespace imago
