// The unigram language model (Kudo 2018): of all ways to cut a piece into tokens the one with the highest total score.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imago/tokenizers/models/longest_by_front.h"
#include "imago/tokenizers/stages.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

struct UnigramScratch;

class Unigram final : public Model {
 public:
  struct Piece {
    std::string_view text;  // copied
    double score;
  };
  // The position in the list is the id. Throws Error kInvalidFile when unk_id is none of them.
  Unigram(const std::vector<Piece>& pieces, std::optional<int32_t> unk_id, bool byte_fallback);

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void tokenize(std::string_view piece, ModelScratch& scratch, std::vector<ModelToken>& tokens) const override;
  void tokenize_ids(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  bool reports_text(int32_t id) const override { return unk_id_ == id; }
  void write_json(JsonWriter& writer) const override;

 private:
  void viterbi(std::string_view piece, UnigramScratch& scratch) const;
  void cut(std::string_view piece, UnigramScratch& scratch) const;
  void add_unknown(std::string_view piece, uint32_t begin, uint32_t end, UnigramScratch& scratch) const;

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  std::map<int32_t, std::string> repeated_;  // pieces that stand again behind, whose ids name nothing
  std::optional<int32_t> unk_id_;
  bool byte_fallback_;
  std::array<int32_t, 256> bytes_{};  // the tokens <0x00> to <0xFF>
  double unk_score_ = 0;
  LongestByFront longest_;
};

}  // namespace imago::tokenizers
