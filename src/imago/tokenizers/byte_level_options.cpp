#include "imago/tokenizers/byte_level_options.h"

#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/stage_json.h"

namespace imago::tokenizers {

ByteLevelOptions::ByteLevelOptions(StageJson& json)
    : add_prefix_space(json.boolean("add_prefix_space")),
      trim_offsets(json.boolean("trim_offsets")),
      use_regex(json.boolean("use_regex", true)) {}

void ByteLevelOptions::write_json(JsonWriter& writer) const {
  writer.begin_stage("ByteLevel");
  writer.member("add_prefix_space", add_prefix_space);
  writer.member("trim_offsets", trim_offsets);
  writer.member("use_regex", use_regex);
  writer.end_object();
}

}  // namespace imago::tokenizers
