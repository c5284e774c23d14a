#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// Cuts at white space, and makes every punctuation character a piece of its own.
class BertPreTokenizer final : public PreTokenizer {
 public:
  void pre_tokenize(PreTokenizedString& string) const override { string.split_at(&scanner_); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("BertPreTokenizer");
    writer.end_object();
  }

 private:
  CharacterScanner scanner_{is_white_space, is_bert_punctuation};
};

}  // namespace

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer(StageJson&) { return std::make_unique<BertPreTokenizer>(); }

}  // namespace imago::tokenizers
