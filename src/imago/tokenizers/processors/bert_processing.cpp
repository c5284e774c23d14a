#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/processors/processors.h"

namespace imago::tokenizers {
namespace {

// [CLS] first [SEP] second [SEP], the second with type 1.
class BertProcessing final : public PostProcessor {
 public:
  BertProcessing(SpecialTokenId sep, SpecialTokenId cls) : sep_(std::move(sep)), cls_(std::move(cls)) {}

  size_t added_tokens(bool pair) const override { return pair ? 3 : 2; }

  void process(std::vector<Encoding>& encodings, bool add_special_tokens) const override {
    if (!add_special_tokens) return;
    for (size_t i = 0; i < encodings.size(); ++i) {
      surround(encodings[i], i == 0 ? &cls_ : nullptr, sep_, i == 0 ? 0 : 1, i == 0 ? 0 : 1);
    }
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("BertProcessing");
    write_special_token(writer, "sep", sep_);
    write_special_token(writer, "cls", cls_);
    writer.end_object();
  }

 private:
  SpecialTokenId sep_, cls_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_bert_processing(StageJson& json) {
  return std::make_unique<BertProcessing>(read_special_token(json, "sep"), read_special_token(json, "cls"));
}

}  // namespace imago::tokenizers
