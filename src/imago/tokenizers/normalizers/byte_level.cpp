#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

// Spells every byte as a printable character.
class ByteLevel final : public Normalizer {
 public:
  void normalize(NormalizedString& string) const override { string.to_byte_level(); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("ByteLevel");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<Normalizer> make_byte_level_normalizer(StageJson&) { return std::make_unique<ByteLevel>(); }

}  // namespace imago::tokenizers
