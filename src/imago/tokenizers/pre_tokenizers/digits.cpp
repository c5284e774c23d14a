#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// Cuts numbers off, as a whole or digit by digit.
class Digits final : public PreTokenizer {
 public:
  explicit Digits(bool individual_digits) : individual_digits_(individual_digits) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    string.split([this](std::string_view text, auto& ranges) { numbers_.find(text, ranges); },
                 individual_digits_ ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Digits");
    writer.member("individual_digits", individual_digits_);
    writer.end_object();
  }

 private:
  bool individual_digits_;
  CharacterSet numbers_{is_numeric};
};

}  // namespace

std::unique_ptr<PreTokenizer> make_digits(StageJson& json) {
  return std::make_unique<Digits>(json.boolean("individual_digits"));
}

}  // namespace imago::tokenizers
