#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string content) : content_(std::move(content)) {}

  void normalize(NormalizedString& string) const override { string.prepend(content_); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Prepend");
    writer.member("prepend", content_);
    writer.end_object();
  }

 private:
  std::string content_;
};

}  // namespace

std::unique_ptr<Normalizer> make_prepend(StageJson& json) { return std::make_unique<Prepend>(json.string("prepend")); }

}  // namespace imago::tokenizers
