#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/processors/processors.h"

namespace imago::tokenizers {
namespace {

// Adds no token; takes the spaces out of offsets.
class ByteLevel final : public PostProcessor {
 public:
  ByteLevel(bool add_prefix_space, bool trim, bool use_regex)
      : add_prefix_space_(add_prefix_space), trim_offsets_(trim), use_regex_(use_regex) {}

  size_t added_tokens(bool /*pair*/) const override { return 0; }

  void process(std::vector<Encoding>& encodings, bool /*add_special_tokens*/) const override {
    for (size_t i = 0; i < encodings.size(); ++i) {
      Encoding& encoding = encodings[i];
      if (trim_offsets_) {
        trim_offsets(encoding, add_prefix_space_);
        for (Encoding& window : encoding.overflowing) trim_offsets(window, add_prefix_space_);
      }
      encoding.set_sequence(i);
    }
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("ByteLevel");
    writer.member("add_prefix_space", add_prefix_space_);
    writer.member("trim_offsets", trim_offsets_);
    writer.member("use_regex", use_regex_);
    writer.end_object();
  }

 private:
  bool add_prefix_space_, trim_offsets_, use_regex_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_byte_level_processor(StageJson& json) {
  return std::make_unique<ByteLevel>(json.boolean("add_prefix_space"), json.boolean("trim_offsets"),
                                     json.boolean("use_regex", true));
}

}  // namespace imago::tokenizers
