#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> parts) : parts_(std::move(parts)) {}

  void normalize(NormalizedString& string) const override {
    for (const auto& part : parts_) part->normalize(string);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Sequence");
    writer.stages("normalizers", parts_);
    writer.end_object();
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

}  // namespace

std::unique_ptr<Normalizer> make_normalizer_sequence(StageJson& json) {
  const NestingGuard guard(json.where());
  std::vector<std::unique_ptr<Normalizer>> parts;
  for (const Json* part : json.elements("normalizers")) parts.push_back(make_normalizer(*part));
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace imago::tokenizers
