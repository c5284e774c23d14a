#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

// Lowercase without context: a capital sigma is always the same small one.
class Lowercase final : public Normalizer {
 public:
  void normalize(NormalizedString& string) const override { string.lowercase(); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Lowercase");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<Normalizer> make_lowercase(StageJson&) { return std::make_unique<Lowercase>(); }

}  // namespace imago::tokenizers
