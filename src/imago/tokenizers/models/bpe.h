// Byte-pair encoding (Sennrich, Haddow, Birch 2016): the pair of neighbouring tokens with the lowest rank is merged
// first, the leftmost among equals, until no pair is left.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/tokenizers/models/merge_table.h"
#include "imago/tokenizers/models/word_cache.h"
#include "imago/tokenizers/stages.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

struct BpeOptions {
  std::optional<float> dropout;
  std::optional<std::string> unk_token;
  std::optional<std::string> continuing_subword_prefix;
  std::optional<std::string> end_of_word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
};

struct BpeScratch;

class Bpe final : public Model {
 public:
  Bpe(BpeOptions options, Vocabulary vocabulary, const std::vector<MergeRule>& merges);

  // Finds the ids of merges given as strings. Throws Error kInvalidFile when a part or its result is no token.
  static std::vector<MergeRule> resolve_merges(const Vocabulary& vocabulary,
                                               const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                                               size_t prefix_size);

  // Pieces may be given as raw bytes, and not spelled as ByteLevel spells them: the result is the same without the
  // detour. It can be done when the vocabulary has every byte, and with a suffix every byte that ends a word, too.
  bool can_use_raw_bytes() const;
  void use_raw_bytes();

  void set_dropout(float probability) { options_.dropout = probability; }
  const BpeOptions& options() const { return options_; }
  const MergeTable& merges() const { return merges_; }

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void tokenize(std::string_view piece, ModelScratch& scratch, std::vector<ModelToken>& tokens) const override;
  void tokenize_ids(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override;
  void tokenize_all(std::span<const std::string_view> pieces, ModelScratch& scratch,
                    std::vector<int32_t>& ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void write_json(JsonWriter& writer) const override;

 private:
  template <class Emit>
  void for_each_chunk(std::string_view piece, Emit emit) const;
  bool whole_piece(std::string_view piece, BpeScratch& scratch, int32_t& id) const;
  void encode_chunk(std::string_view chunk, BpeScratch& scratch) const;
  void add_symbols(std::string_view chunk, BpeScratch& scratch) const;
  void add_unknown_character(std::string_view spelled, size_t size, BpeScratch& scratch) const;
  int32_t symbol(std::string_view character, bool first, bool last, BpeScratch& scratch) const;
  bool lengths_follow(std::string_view chunk, const BpeScratch& scratch) const;
  uint32_t token_length(int32_t id, bool first) const;
  bool caches() const { return options_.dropout.value_or(0.0f) == 0.0f; }
  const WordCache::Entry* find_or_encode(std::string_view chunk, bool lengths, BpeScratch& scratch) const;
  void encode_uncached(std::string_view chunk, BpeScratch& scratch, WordCache::Entry* entry) const;

  BpeOptions options_;
  Vocabulary vocabulary_;
  MergeTable merges_;
  int32_t unk_id_ = Vocabulary::kNone;
  bool raw_bytes_ = false;
  bool affixes_ = false;                          // there is a prefix or a suffix
  bool splits_words_ = false;                     // no merge crosses from a word into the "▁" that begins the next
  std::array<int32_t, 256> byte_symbols_{};       // of a byte (raw) or an ASCII character, without affixes
  std::array<int32_t, 256> last_byte_symbols_{};  // of a byte (raw) that ends a word
  std::array<int32_t, 256> fallback_symbols_{};   // of the tokens <0x00> to <0xFF>
  std::vector<uint32_t> raw_lengths_;             // bytes that a token stands for
};

}  // namespace imago::tokenizers
