// Putting a tokenizer together from a model and stages that are described as tokenizer.json describes them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/tokenizers/tokenizer.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago::tokenizers {

// The parts with the tokens added, still without a post-processor: that one needs their ids. Null is no such stage.
std::shared_ptr<TokenizerParts> make_parts(std::unique_ptr<Model> model, const Json& normalizer,
                                           const Json& pre_tokenizer, const Json& decoder,
                                           const std::vector<AddedToken>& tokens);

std::optional<int32_t> id_of_token(const TokenizerParts& parts, std::string_view token);

Tokenizer finish_tokenizer(std::shared_ptr<TokenizerParts> parts, const Json& post_processor);

// Bytes as characters, as byte-level vocabularies spell them.
std::string spell_bytes(std::string_view bytes);

std::string encode_base64(std::string_view bytes);

}  // namespace imago::tokenizers
