#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

// Removes combining marks; what is composed must be decomposed before.
class StripAccents final : public Normalizer {
 public:
  void normalize(NormalizedString& string) const override {
    if (!is_ascii(string.text())) string.filter([](char32_t c) { return !is_combining_mark(c); });
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("StripAccents");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<Normalizer> make_strip_accents(StageJson&) { return std::make_unique<StripAccents>(); }

}  // namespace imago::tokenizers
