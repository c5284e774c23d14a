// What the pre-tokenizer, the post-processor and the decoder ByteLevel have in common: they read and write the same
// members, and each uses those that concern it.
#pragma once

namespace imago::tokenizers {

class JsonWriter;
class StageJson;

struct ByteLevelOptions {
  explicit ByteLevelOptions(StageJson& json);
  void write_json(JsonWriter& writer) const;

  bool add_prefix_space, trim_offsets, use_regex;
};

}  // namespace imago::tokenizers
