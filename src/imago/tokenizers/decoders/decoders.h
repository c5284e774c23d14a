// The decoders of tokenizer.json, one per file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "imago/tokenizers/stage_json.h"
#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

// Builds the decoder that the object describes. Throws Error kInvalidFile, or kUnsupported for an unknown type.
std::unique_ptr<Decoder> make_decoder(const Json& json);

using MakeDecoder = std::unique_ptr<Decoder>(StageJson& json);
MakeDecoder make_bpe_decoder;
MakeDecoder make_byte_fallback;
MakeDecoder make_byte_level_decoder;
MakeDecoder make_ctc;
MakeDecoder make_fuse;
MakeDecoder make_metaspace_decoder;
MakeDecoder make_replace_decoder;
MakeDecoder make_decoder_sequence;
MakeDecoder make_strip_decoder;
MakeDecoder make_word_piece_decoder;

// Replaces every `from`, left to right.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// Takes the spaces out that a word tokenizer put before punctuation and contractions.
std::string clean_up_word_piece(std::string text);

}  // namespace imago::tokenizers
