#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> parts) : parts_(std::move(parts)) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    for (const auto& part : parts_) part->pre_tokenize(string);
  }
  bool needs_alignments(bool& rewritten) const override {
    bool needs = false;
    for (const auto& part : parts_) needs = part->needs_alignments(rewritten) || needs;
    return needs;
  }
  bool leave_bytes_raw() override { return !parts_.empty() && parts_.back()->leave_bytes_raw(); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Sequence");
    writer.stages("pretokenizers", parts_);
    writer.end_object();
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(StageJson& json) {
  const NestingGuard guard(json.where());
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  for (const Json* part : json.elements("pretokenizers")) parts.push_back(make_pre_tokenizer(*part));
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace imago::tokenizers
