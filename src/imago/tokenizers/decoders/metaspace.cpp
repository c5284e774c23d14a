#include "imago/base/unicode.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// Spaces from the characters that stand for them; those of the first token are dropped where one was prepended.
class Metaspace final : public Decoder {
 public:
  Metaspace(std::string replacement, std::string scheme, bool split)
      : replacement_(std::move(replacement)), scheme_(std::move(scheme)), split_(split) {}

  void decode(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replace_all(tokens[i], replacement_, i == 0 && scheme_ != "never" ? "" : " ");
    }
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Metaspace");
    writer.member("replacement", replacement_);
    writer.member("prepend_scheme", scheme_);
    writer.member("split", split_);
    writer.end_object();
  }

 private:
  std::string replacement_, scheme_;
  bool split_;
};

}  // namespace

std::unique_ptr<Decoder> make_metaspace_decoder(StageJson& json) {
  std::string scheme = json.find("prepend_scheme") ? json.string("prepend_scheme") : "always";
  if (scheme != "first" && scheme != "never" && scheme != "always") {
    json.fail("the prepend_scheme '" + scheme + "' is unknown");
  }
  json.find("str_rep");  // written by old versions beside the replacement that it repeats
  if (!json.boolean("add_prefix_space", true)) {
    if (json.has("prepend_scheme") && scheme != "never") {
      json.fail("add_prefix_space does not match the prepend_scheme");
    }
    scheme = "never";
  }
  json.character("replacement");
  return std::make_unique<Metaspace>(json.string("replacement"), std::move(scheme), json.boolean("split", true));
}

}  // namespace imago::tokenizers
