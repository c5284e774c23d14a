#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

class UnicodeForm final : public Normalizer {
 public:
  UnicodeForm(std::string type, NormalForm form) : type_(std::move(type)), form_(form) {}

  void normalize(NormalizedString& string) const override { string.normalize(form_); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage(type_);
    writer.end_object();
  }

 private:
  std::string type_;
  NormalForm form_;
};

}  // namespace

std::unique_ptr<Normalizer> make_unicode_form(StageJson& json) {
  const std::string& type = json.type();
  const NormalForm form = type == "NFC"    ? NormalForm::kNFC
                          : type == "NFD"  ? NormalForm::kNFD
                          : type == "NFKC" ? NormalForm::kNFKC
                                           : NormalForm::kNFKD;
  return std::make_unique<UnicodeForm>(type, form);
}

}  // namespace imago::tokenizers
