// How a GGUF file's metadata and tensors become a configuration and a checkpoint of the Hub, as data. Each architecture
// stands in gguf_architectures/<model_type>_gguf.cpp; CMake writes a table of calls to
//   void register_<model_type>_gguf(GgufArchitectures&);
// which that file defines.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/gguf_entries.h"
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

// What a file of a configuration is made of.
struct GgufTarget {
  std::string_view architecture;
  GgufEntries& entries;
  std::string folder;  // of the checkpoint
  // Vectors of float32 that the checkpoint does not have.
  std::vector<std::pair<std::string, std::vector<float>>> tensors;

  std::string key(std::string_view name) const;  // "llama.<name>"
};

// A file tells a reader what it needs to know; the same table, read backwards, tells a writer what to put there.
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
  // Tensors by the part of their names before ".weight" or ".bias"; * stands for a number. A second star in
  // `checkpoint` counts matrices (of experts) that the file has in one tensor of three dimensions.
  struct Tensor {
    std::string_view gguf, checkpoint;
    // The entry that counts the heads of a projection to rotary positions: the file has each head's rows in pairs
    // (0, 1), (2, 3), ..., the Hub in halves (0, n/2), (1, n/2 + 1), .... Empty for rows as they are stored.
    std::string_view rotary_heads;
    // What the file has more in each value than the Hub: the 1 of norms that are stored about zero there.
    float added = 0;
  };

  std::string_view name;          // general.architecture
  std::string_view model_type;    // of config.json
  std::string_view architecture;  // the class in config.json
  std::vector<Key> keys;
  std::vector<Tensor> tensors;
  std::vector<std::string_view> ignored_tensors;
  // What needs more than a table. Throws Error kUnsupported for what the model does not compute.
  void (*complete)(const GgufSource& source, Json& config) = nullptr;

  // For writing. Null where a model is only read.
  void (*describe)(const Json& config, GgufTarget& target) = nullptr;
  // Keys of config.json that `describe` looks at, or that the tensors speak for. The table's `keys` are written from
  // config.json but for these. Any other key must have the model's default value, for nothing in the file says it.
  std::vector<std::string_view> described;
  // Tensors of the checkpoint (patterns) that the file has no place for, since its readers do not compute with them.
  std::vector<std::string_view> left_out;
  // Another entry reads files of the name: this one is how its model is written.
  bool is_written_only = false;
  // It reads files of the name that have experts (the entry expert_count), beside one for those that have none.
  bool has_experts = false;
};

// A tensor's name on the other side, and the rule that says so.
struct GgufName {
  std::string name;
  const GgufArchitecture::Tensor* rule = nullptr;
  std::optional<int64_t> item = {};  // of a checkpoint's tensor: which one of the file's it is
};
// The checkpoint's name, with a star where it is several there. Throws Error kUnsupported for a tensor that is not
// known.
GgufName hub_name(const GgufArchitecture& architecture, std::string_view name);
// The file's name of a checkpoint's tensor; without a rule where there is none.
GgufName gguf_name(const GgufArchitecture& architecture, std::string_view name);

class GgufArchitectures {
 public:
  void add(GgufArchitecture architecture) { list_.push_back(std::move(architecture)); }
  // The one that reads files of the name, with experts or without. Throws Error kUnsupported listing the names there
  // are.
  const GgufArchitecture& find(std::string_view name, bool with_experts = false) const;
  // The one that a model is written as. Throws Error kUnsupported listing the models there are.
  const GgufArchitecture& find_for_model(std::string_view model_type) const;
  const std::vector<GgufArchitecture>& list() const { return list_; }

 private:
  std::vector<GgufArchitecture> list_;
};

}  // namespace imago
