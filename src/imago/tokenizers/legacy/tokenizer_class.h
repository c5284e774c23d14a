// The tokenizer classes of the reference as data: what each makes of a vocabulary that comes without a tokenizer.json.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago::tokenizers {

// The members of tokenizer_config.json that a class knows, with the kind checked.
class ClassOptions {
 public:
  explicit ClassOptions(const Json& config) : config_(config) {}

  // Throws Error kInvalidFile when the member is something else; null counts as absent.
  bool boolean(std::string_view name, bool absent) const;
  std::optional<bool> optional_boolean(std::string_view name) const;
  int64_t integer(std::string_view name, int64_t absent) const;
  bool has(std::string_view name) const;  // and it is not null

  // SentencePiece's character map in base64; empty where the model has none.
  std::string charsmap;

 private:
  const Json& config_;
};

// What a post-processor is made of: the tokens that play a part, and the ids of tokens.
struct ProcessorInput {
  const ClassOptions& options;
  const SpecialTokens& tokens;
  std::function<std::optional<int32_t>(std::string_view)> id_of;
};

struct ScoredPiece {
  std::string text;
  double score;
};

struct TokenizerClass {
  enum class Vocabulary { kWordPiece, kByteLevelBpe, kPieceBpe, kUnigram };

  std::string_view name;
  Vocabulary vocabulary;
  struct Tokens {
    const char *bos, *eos, *unk, *sep, *pad, *cls, *mask;  // null: none
  } tokens;
  // Each gives the object that tokenizer.json has for the stage; a null pointer or null is no such stage.
  Json (*normalizer)(const ClassOptions&);
  Json (*pre_tokenizer)(const ClassOptions&);
  Json (*decoder)(const ClassOptions&);
  Json (*post_processor)(const ProcessorInput&);
  BpeOptions (*bpe)(const SpecialTokens&) = nullptr;
  // Puts pieces of a SentencePiece model where the class has them.
  std::vector<ScoredPiece> (*arrange)(std::vector<ScoredPiece>, const ClassOptions&, const SpecialTokens&) = nullptr;
  int32_t unk_id = 0;              // of a unigram model
  bool unk_token_decides = false;  // the id is that of the piece that spells unk_token, where there is one
  bool adds_sentinels = false;     // what was arranged behind the model's pieces are special tokens
  bool mask_takes_space = false;   // the mask token takes the space before it
  bool pads_left = false;
};

// By the name in tokenizer_config.json, with or without "Fast"; null when it is not known.
const TokenizerClass* find_tokenizer_class(std::string_view name);

// The class that goes with config.json's model_type where tokenizer_config.json names none; empty when not known.
std::string_view tokenizer_class_of_model(std::string_view model_type);

// The post-processor of classes without one of their own: what add_bos_token and add_eos_token ask for.
Json bos_eos_processor(const ProcessorInput& input);

}  // namespace imago::tokenizers
