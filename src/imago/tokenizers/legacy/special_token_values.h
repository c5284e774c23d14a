// The special and added tokens that tokenizer_config.json, special_tokens_map.json, added_tokens.json and the tokenizer
// class give, and the order in which the reference adds them to a vocabulary.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/tokenizers/legacy/tokenizer_class.h"
#include "imago/tokenizers/tokenizer.h"

namespace imago::tokenizers {

struct TokenValue {
  AddedToken token;
  bool text_only = false;  // given as a string and not as an object with flags
  bool operator==(const TokenValue& other) const {
    return text_only == other.text_only && token.content == other.token.content;
  }
};

struct SpecialTokenValues {
  // bos, eos, unk, sep, pad, cls, mask: the order in which the reference goes through them.
  std::array<std::optional<TokenValue>, 7> roles;
  std::vector<TokenValue> model_specific;        // further members "..._token"
  std::optional<std::vector<TokenValue>> extra;  // extra_special_tokens; nothing where no file gives any
  std::vector<AddedToken> added;                 // added_tokens_decoder or added_tokens.json, by id

  SpecialTokens special_tokens() const;
};

// tokenizer_config.json of a folder (an empty object where there is none), with what special_tokens_map.json and
// added_tokens.json say where it has no added_tokens_decoder.
Json read_tokenizer_config(const std::string& folder);

// `config` is what read_tokenizer_config() gave; `tokenizer_class` may be null.
SpecialTokenValues read_special_token_values(const Json& config, const TokenizerClass* tokenizer_class);

// What is to be added to a vocabulary, in this order. `pieces` are the control and user-defined pieces of a
// SentencePiece model, which count where the files give no extra tokens.
std::vector<AddedToken> tokens_to_add(const SpecialTokenValues& values, std::vector<TokenValue> pieces = {});

}  // namespace imago::tokenizers
