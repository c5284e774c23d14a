#include "imago/base/unicode.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// Takes up to so many of one character off the ends of each token.
class Strip final : public Decoder {
 public:
  Strip(char32_t content, size_t start, size_t stop) : start_(start), stop_(stop) { append_utf8(content_, content); }

  void decode(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (size_t i = 0; i < start_ && rest.starts_with(content_); ++i) rest.remove_prefix(content_.size());
      for (size_t i = 0; i < stop_ && rest.ends_with(content_); ++i) rest.remove_suffix(content_.size());
      if (rest.size() != token.size()) token = std::string(rest);
    }
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Strip");
    writer.member("content", content_);
    writer.member("start", start_);
    writer.member("stop", stop_);
    writer.end_object();
  }

 private:
  std::string content_;
  size_t start_, stop_;
};

}  // namespace

std::unique_ptr<Decoder> make_strip_decoder(StageJson& json) {
  return std::make_unique<Strip>(json.character("content"), json.size("start"), json.size("stop"));
}

}  // namespace imago::tokenizers
