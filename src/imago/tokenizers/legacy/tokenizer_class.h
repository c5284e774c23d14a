// The tokenizer classes of the reference as data: what each makes of a vocabulary that comes without a tokenizer.json.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/tokenizers/legacy/class_options.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago::tokenizers {

// What a post-processor is made of: the tokens that play a part, and the ids of tokens.
struct ProcessorInput {
  const ClassOptions& options;
  const SpecialTokens& tokens;
  std::function<std::optional<int32_t>(std::string_view)> id_of;
  std::string language = {};  // the token of the language that the class assumes
};

struct ScoredPiece {
  std::string text;
  double score;
};

struct FolderSettings;
struct LegacyTokenizer;

struct TokenizerClass {
  // What the files hold: vocab.txt; vocab.json and merges.txt; a SentencePiece model, used as either model; or nothing,
  // where every byte is a token.
  enum class Vocabulary { kWordPiece, kMerges, kPieceBpe, kUnigram, kBytes };
  // Which piece of a unigram model is the unknown one: unk_id, or the one that spells unk_token where there is one, or
  // what the model itself says.
  enum class Unknown { kFixed, kSpelled, kOfModel };
  // Where tokens of the class itself stand among the control and user-defined pieces of a SentencePiece model.
  enum class OwnTokens { kBehindPieces, kBeforePieces };
  // Whether extra_special_tokens in the files stand for the tokens of the class itself, or before those they lack.
  enum class ExtraTokens { kInsteadOfOwn, kBeforeOwn };
  // A special token with a member of its own in tokenizer_config.json.
  struct NamedToken {
    const char *key, *older_key, *absent;
  };

  std::string_view name;
  Vocabulary vocabulary = Vocabulary::kWordPiece;
  struct Tokens {
    const char *bos, *eos, *unk, *sep, *pad, *cls, *mask;  // null: none
  } tokens = {};
  // Each gives the object that tokenizer.json has for the stage; a null pointer or null is no such stage.
  Json (*normalizer)(const ClassOptions&) = nullptr;
  Json (*pre_tokenizer)(const ClassOptions&) = nullptr;
  Json (*decoder)(const ClassOptions&) = nullptr;
  Json (*post_processor)(const ProcessorInput&) = nullptr;  // null: the templates below
  // What is put around one sequence and around two: see template_processor().
  std::string_view single = {}, pair = {};
  BpeOptions (*bpe)(const SpecialTokens&) = nullptr;
  // Puts pieces of a SentencePiece model where the class has them.
  std::vector<ScoredPiece> (*arrange)(std::vector<ScoredPiece>, const ClassOptions&, const SpecialTokens&) = nullptr;
  int32_t unk_id = 0;
  Unknown unknown = Unknown::kFixed;
  // Further special tokens of the class, and the token of its language.
  std::vector<std::string> (*own_tokens)(const ClassOptions&) = nullptr;
  OwnTokens own_tokens_stand = OwnTokens::kBehindPieces;
  ExtraTokens extra_tokens = ExtraTokens::kInsteadOfOwn;
  std::span<const NamedToken> named_tokens = {};
  std::string (*language)(const ClassOptions&) = nullptr;
  bool tokens_take_space = false;   // the special tokens take the space on both sides
  bool mask_takes_space = false;    // the mask token takes the space before it
  bool mask_is_normalized = false;  // and is looked for in the normalized text
  bool pieces_are_special = false;  // the user-defined ones, too
  bool as_generic = false;          // built as without a class, but for the tokens
  bool pads_left = false;
  bool cleans_up = false;        // clean_up_tokenization_spaces where the files do not say
  bool translates = false;       // src_lang is a token beside the text, and the answer begins with that of tgt_lang
  int64_t model_max_length = 0;  // where the files do not say; 0: none
  // Reads a folder in place of all of the above but the tokens: of classes that are no stages of a tokenizer.json.
  LegacyTokenizer (*read)(const std::string& folder, const FolderSettings& settings) = nullptr;
};

// By the name in tokenizer_config.json, with or without "Fast"; null when it is not known.
const TokenizerClass* find_tokenizer_class(std::string_view name);

// Why a class of the reference is not read, not even where the folder has a tokenizer.json (which the reference does
// not look at, or completes with what no such file can hold); null for all others.
const char* why_refused(std::string_view name);

// The class that goes with config.json's model_type where tokenizer_config.json names none; empty when not known.
std::string_view tokenizer_class_of_model(std::string_view model_type);

}  // namespace imago::tokenizers
