#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

class Sequence final : public Decoder {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Decoder>> parts) : parts_(std::move(parts)) {}

  void decode(std::vector<std::string>& tokens) const override {
    for (const auto& part : parts_) part->decode(tokens);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Sequence");
    writer.stages("decoders", parts_);
    writer.end_object();
  }

 private:
  std::vector<std::unique_ptr<Decoder>> parts_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder_sequence(StageJson& json) {
  const NestingGuard guard(json.where());
  std::vector<std::unique_ptr<Decoder>> parts;
  for (const Json* part : json.elements("decoders")) parts.push_back(make_decoder(*part));
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace imago::tokenizers
