#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

// Removes white space at the ends.
class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  void normalize(NormalizedString& string) const override { string.strip(left_, right_); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Strip");
    writer.member("strip_left", left_);
    writer.member("strip_right", right_);
    writer.end_object();
  }

 private:
  bool left_, right_;
};

}  // namespace

std::unique_ptr<Normalizer> make_strip_normalizer(StageJson& json) {
  return std::make_unique<Strip>(json.boolean("strip_left"), json.boolean("strip_right"));
}

}  // namespace imago::tokenizers
