#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

class Punctuation final : public PreTokenizer {
 public:
  explicit Punctuation(SplitBehavior behavior) : behavior_(behavior) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    string.split([this](std::string_view text, auto& ranges) { punctuation_.find(text, ranges); }, behavior_);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Punctuation");
    writer.member("behavior", to_string(behavior_));
    writer.end_object();
  }

 private:
  SplitBehavior behavior_;
  CharacterSet punctuation_{is_bert_punctuation};
};

}  // namespace

std::unique_ptr<PreTokenizer> make_punctuation(StageJson& json) {
  return std::make_unique<Punctuation>(json.find("behavior") ? read_split_behavior(json, "behavior")
                                                             : SplitBehavior::kIsolated);
}

}  // namespace imago::tokenizers
