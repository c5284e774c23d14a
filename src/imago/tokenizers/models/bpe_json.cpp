#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/models/vocabulary_json.h"

namespace imago::tokenizers {

void Bpe::write_json(JsonWriter& writer) const {
  const auto optional_string = [&](std::string_view name, const std::optional<std::string>& value) {
    writer.key(name);
    value ? writer.string(*value) : writer.null();
  };
  const auto boolean = [&](std::string_view name, bool value) {
    writer.key(name);
    writer.boolean(value);
  };
  writer.begin_object();
  writer.key("type");
  writer.string("BPE");
  writer.key("dropout");
  options_.dropout ? writer.number(*options_.dropout) : writer.null();
  optional_string("unk_token", options_.unk_token);
  optional_string("continuing_subword_prefix", options_.continuing_subword_prefix);
  optional_string("end_of_word_suffix", options_.end_of_word_suffix);
  boolean("fuse_unk", options_.fuse_unk);
  boolean("byte_fallback", options_.byte_fallback);
  boolean("ignore_merges", options_.ignore_merges);
  write_vocab(vocabulary_, writer);
  writer.key("merges");
  writer.begin_array();
  for (const MergeRule& rule : merges_.rules()) {
    writer.element();
    writer.begin_array();
    for (int32_t id : {rule.left, rule.right}) {
      writer.element();
      writer.string(vocabulary_.token(id));
    }
    writer.end_array();
  }
  writer.end_array();
  writer.end_object();
}

}  // namespace imago::tokenizers
