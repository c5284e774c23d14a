#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// Joins all tokens into one.
class Fuse final : public Decoder {
 public:
  void decode(std::vector<std::string>& tokens) const override {
    std::string joined;
    for (const std::string& token : tokens) joined += token;
    tokens.assign(1, std::move(joined));
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Fuse");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<Decoder> make_fuse(StageJson&) { return std::make_unique<Fuse>(); }

}  // namespace imago::tokenizers
