#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/processors/processors.h"

namespace imago::tokenizers {
namespace {

class Sequence final : public PostProcessor {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PostProcessor>> parts) : parts_(std::move(parts)) {}

  size_t added_tokens(bool pair) const override {
    size_t total = 0;
    for (const auto& part : parts_) total += part->added_tokens(pair);
    return total;
  }
  void process(std::vector<Encoding>& encodings, bool add_special_tokens) const override {
    for (const auto& part : parts_) part->process(encodings, add_special_tokens);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Sequence");
    writer.stages("processors", parts_);
    writer.end_object();
  }

 private:
  std::vector<std::unique_ptr<PostProcessor>> parts_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_processor_sequence(StageJson& json) {
  const NestingGuard guard(json.where());
  std::vector<std::unique_ptr<PostProcessor>> parts;
  for (const Json* part : json.elements("processors")) parts.push_back(make_processor(*part));
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace imago::tokenizers
