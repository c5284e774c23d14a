#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// Connectionist temporal classification (Graves et al. 2006): repeated tokens count once, and the blank is dropped.
class Ctc final : public Decoder {
 public:
  Ctc(std::string pad_token, std::string word_delimiter_token, bool cleanup)
      : pad_token_(std::move(pad_token)), word_delimiter_token_(std::move(word_delimiter_token)), cleanup_(cleanup) {}

  void decode(std::vector<std::string>& tokens) const override {
    std::vector<std::string> result;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0 && tokens[i] == tokens[i - 1]) continue;
      std::string text = replace_all(tokens[i], pad_token_, "");
      if (cleanup_) text = replace_all(clean_up_word_piece(std::move(text)), word_delimiter_token_, " ");
      if (!text.empty()) result.push_back(std::move(text));
    }
    tokens = std::move(result);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("CTC");
    writer.member("pad_token", pad_token_);
    writer.member("word_delimiter_token", word_delimiter_token_);
    writer.member("cleanup", cleanup_);
    writer.end_object();
  }

 private:
  std::string pad_token_, word_delimiter_token_;
  bool cleanup_;
};

}  // namespace

std::unique_ptr<Decoder> make_ctc(StageJson& json) {
  return std::make_unique<Ctc>(json.string("pad_token"), json.string("word_delimiter_token"), json.boolean("cleanup"));
}

}  // namespace imago::tokenizers
