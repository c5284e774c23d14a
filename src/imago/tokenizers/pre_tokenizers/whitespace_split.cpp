#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// Cuts at white space, which is dropped.
class WhitespaceSplit final : public PreTokenizer {
 public:
  void pre_tokenize(PreTokenizedString& string) const override { string.split_at(&scanner_); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("WhitespaceSplit");
    writer.end_object();
  }

 private:
  CharacterScanner scanner_{is_white_space, nullptr};
};

}  // namespace

std::unique_ptr<PreTokenizer> make_whitespace_split(StageJson&) { return std::make_unique<WhitespaceSplit>(); }

}  // namespace imago::tokenizers
