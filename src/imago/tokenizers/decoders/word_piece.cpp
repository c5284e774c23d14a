#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// Joins continued words, and puts spaces between the others.
class WordPiece final : public Decoder {
 public:
  WordPiece(std::string prefix, bool cleanup) : prefix_(std::move(prefix)), cleanup_(cleanup) {}

  void decode(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0) token = token.starts_with(prefix_) ? token.substr(prefix_.size()) : " " + token;
      if (cleanup_) token = clean_up_word_piece(std::move(token));
    }
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("WordPiece");
    writer.member("prefix", prefix_);
    writer.member("cleanup", cleanup_);
    writer.end_object();
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

}  // namespace

std::unique_ptr<Decoder> make_word_piece_decoder(StageJson& json) {
  return std::make_unique<WordPiece>(json.string("prefix"), json.boolean("cleanup"));
}

}  // namespace imago::tokenizers
