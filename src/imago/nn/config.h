// Configurations: structs whose FIELDS are the keys of config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/tensor/fields.h"

namespace imago {

// The keys that every configuration of the Hub has. Values that a model does not set keep the reference's defaults.
struct Config {
  std::string model_type;
  std::vector<std::string> architectures;
  std::optional<int64_t> pad_token_id, bos_token_id, decoder_start_token_id;
  std::vector<int64_t> eos_token_id;  // a number or a list of them in the file
  bool is_encoder_decoder = false;
  bool tie_word_embeddings = true;
  std::optional<std::string> problem_type;  // of a classifier: regression, single_ or multi_label_classification
  JsonText id2label;                        // {"0": "name"}; none means two labels
  std::optional<std::string> dtype;         // what the checkpoint was saved as
  JsonText source;                          // config.json as it was read, for saving it unchanged

  virtual ~Config() = default;
  virtual void each_field(FieldVisitor& visitor);
  // Throws Error kInvalidFile or kUnsupported for values that contradict each other or that are not computed.
  virtual void validate() const {}

  int64_t num_labels() const;
  std::vector<std::string> labels() const;  // by index; "LABEL_0", ... where the file names none
};

// Fills `config` from config.json. A key that is absent keeps its default. Throws Error kUnsupported for a key that is
// neither a field nor known to leave the arithmetic alone (see inert_config_keys), and kInvalidFile for a wrong type.
void read_config(const Json& json, Config& config);

// Throws Error kInvalidFile unless `heads` (a key and its value) divides `size`, at least 1 each.
void require_heads(std::string_view size_key, int64_t size, std::string_view heads_key, int64_t heads);

// A copy of the source with every field's present value.
Json write_config(const Config& config);

}  // namespace imago

// FIELDS serves structs with a virtual each_field, as configurations and models have it, and without, and so cannot say
// `override`; Clang would have it say so in a class that says it elsewhere.
#ifdef __clang__
#pragma clang diagnostic ignored "-Winconsistent-missing-override"
#endif
