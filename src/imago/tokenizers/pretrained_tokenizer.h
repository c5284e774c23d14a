// A tokenizer as a checkpoint folder describes it: its vocabulary and what tokenizer_config.json says around it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imago/tokenizers/tokenizer.h"

namespace imago {

// The tokens that play a part, where the folder names them.
struct SpecialTokens {
  std::optional<std::string> bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token;
  std::vector<std::string> additional_special_tokens;
};

// Rows of one length: ids and masks [rows, tokens], row-major.
struct TokenBatch {
  int64_t rows = 0, tokens = 0;
  std::vector<int64_t> input_ids, attention_mask, token_type_ids;
  std::vector<Encoding> encodings;  // before padding, with offsets into the texts
};

class PretrainedTokenizer {
 public:
  // Reads tokenizer.json, or where a folder has none the files there were before it (vocab.txt, vocab.json and
  // merges.txt, SentencePiece and tiktoken models, GGUF) as the reference's tokenizer class does. Throws Error
  // kNotFound naming the files looked for, kUnsupported naming a class that is not known, and what reading throws. A
  // GGUF file, which is a whole checkpoint, is taken for a folder.
  static PretrainedTokenizer from_folder(const std::string& folder);

  // A single file: tokenizer.json, SentencePiece .model, .tiktoken, .gguf or vocab.txt, without what a folder says
  // around it.
  static PretrainedTokenizer from_file(const std::string& path);

  explicit PretrainedTokenizer(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  const Tokenizer& tokenizer() const { return tokenizer_; }
  void set_tokenizer(Tokenizer tokenizer) { tokenizer_ = std::move(tokenizer); }  // what is around it stays
  const SpecialTokens& special_tokens() const { return special_tokens_; }
  std::optional<int32_t> id_of(const std::optional<std::string>& token) const;
  std::optional<int32_t> bos_token_id() const { return id_of(special_tokens_.bos_token); }
  std::optional<int32_t> eos_token_id() const { return id_of(special_tokens_.eos_token); }
  std::optional<int32_t> pad_token_id() const { return id_of(special_tokens_.pad_token); }
  std::optional<int32_t> mask_token_id() const { return id_of(special_tokens_.mask_token); }

  // Whether each text goes with a token of its language, and an answer begins with that of its own (M2M-100, NLLB,
  // mBART, PLBart).
  bool has_languages() const { return languages_ != nullptr; }
  // The same tokenizer for texts in a language, by the name that src_lang has ("en", "eng_Latn", "en_XX"). Throws Error
  // kInvalidArgument where it is not known, kUnsupported where there are no languages.
  PretrainedTokenizer for_source_language(const std::string& language) const;
  // The token with which an answer in a language begins: what the reference calls forced_bos_token_id.
  int32_t language_token_id(const std::string& language) const;

  // Where padding goes: "right" for most, "left" for prompts of decoders.
  const std::string& padding_side() const { return padding_side_; }
  // The longest input the model was trained for; none where the folder does not say.
  std::optional<int64_t> model_max_length() const { return model_max_length_; }
  bool clean_up_tokenization_spaces() const { return clean_up_tokenization_spaces_; }

  // Encodes texts (with `pairs`, text by text) and pads them to the longest; pads with id 0 where there is no pad
  // token. Truncates to `max_length` tokens where it is set, the longer text first.
  TokenBatch encode_batch(std::span<const std::string> texts, std::span<const std::string> pairs = {},
                          std::optional<int64_t> max_length = std::nullopt) const;
  std::string decode(std::span<const int64_t> ids, bool skip_special_tokens = true) const;

 private:
  struct Languages;

  Tokenizer tokenizer_;
  SpecialTokens special_tokens_;
  std::shared_ptr<const Languages> languages_;  // null: none
  std::string padding_side_ = "right";
  std::optional<int64_t> model_max_length_;
  bool clean_up_tokenization_spaces_ = false;
};

}  // namespace imago
