#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

// The clean-up of neural machine translation: control characters go, unusual spaces become spaces.
class Nmt final : public Normalizer {
 public:
  void normalize(NormalizedString& string) const override {
    string.filter([](char32_t c) {
      return !((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
               c == 0x9F);
    });
    string.map([](char32_t c) {
      const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
                         c == 0xFFFD;
      return space ? U' ' : c;
    });
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Nmt");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<Normalizer> make_nmt(StageJson&) { return std::make_unique<Nmt>(); }

}  // namespace imago::tokenizers
