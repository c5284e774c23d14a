// The post-processors of tokenizer.json, one per file.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "imago/tokenizers/stage_json.h"
#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

// Builds the post-processor that the object describes. Throws Error kInvalidFile, or kUnsupported for an unknown type.
std::unique_ptr<PostProcessor> make_processor(const Json& json);

using MakeProcessor = std::unique_ptr<PostProcessor>(StageJson& json);
MakeProcessor make_bert_processing;
MakeProcessor make_byte_level_processor;
MakeProcessor make_roberta_processing;
MakeProcessor make_processor_sequence;
MakeProcessor make_template_processing;

struct SpecialTokenId {
  std::string token;
  int32_t id;
};

// The member `name`: ["[SEP]", 102].
SpecialTokenId read_special_token(StageJson& json, std::string_view name);
void write_special_token(JsonWriter& writer, std::string_view name, const SpecialTokenId& token);

// Leaves white space at the ends of tokens out of their offsets, as byte-level processors do.
void trim_offsets(Encoding& encoding, bool add_prefix_space);

// Puts a special token before (if given) and behind the encoding and each of its overflowing windows.
void surround(Encoding& encoding, const SpecialTokenId* before, const SpecialTokenId& behind, int32_t type_id,
              size_t sequence);

}  // namespace imago::tokenizers
