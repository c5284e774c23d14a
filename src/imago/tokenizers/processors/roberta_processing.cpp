#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/processors/processors.h"

namespace imago::tokenizers {
namespace {

// <s> first </s> </s> second </s>, all with type 0.
class RobertaProcessing final : public PostProcessor {
 public:
  RobertaProcessing(SpecialTokenId sep, SpecialTokenId cls, bool trim, bool add_prefix_space)
      : sep_(std::move(sep)), cls_(std::move(cls)), trim_offsets_(trim), add_prefix_space_(add_prefix_space) {}

  size_t added_tokens(bool pair) const override { return pair ? 4 : 2; }

  void process(std::vector<Encoding>& encodings, bool add_special_tokens) const override {
    for (Encoding& encoding : encodings) {
      if (trim_offsets_) {
        trim_offsets(encoding, add_prefix_space_);
        for (Encoding& window : encoding.overflowing) trim_offsets(window, add_prefix_space_);
      }
      encoding.type_ids.assign(encoding.size(), 0);
    }
    if (!add_special_tokens) return;
    for (size_t i = 0; i < encodings.size(); ++i) {
      for (Encoding& window : encodings[i].overflowing) window.type_ids.assign(window.size(), 0);
      surround(encodings[i], i == 0 ? &cls_ : &sep_, sep_, 0, i == 0 ? 0 : 1);
    }
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("RobertaProcessing");
    write_special_token(writer, "sep", sep_);
    write_special_token(writer, "cls", cls_);
    writer.member("trim_offsets", trim_offsets_);
    writer.member("add_prefix_space", add_prefix_space_);
    writer.end_object();
  }

 private:
  SpecialTokenId sep_, cls_;
  bool trim_offsets_, add_prefix_space_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_roberta_processing(StageJson& json) {
  return std::make_unique<RobertaProcessing>(read_special_token(json, "sep"), read_special_token(json, "cls"),
                                             json.boolean("trim_offsets"), json.boolean("add_prefix_space"));
}

}  // namespace imago::tokenizers
