#include "imago/base/unicode.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// The byte of a token like <0x0A>, or -1.
int byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (size_t i = 3; i < 5; ++i) {
    const char c = token[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    // The reference's number parser takes a sign in front of one digit.
    if (digit < 0 && !(c == '+' && i == 3)) return -1;
    value = digit < 0 ? 0 : value * 16 + digit;
  }
  return value;
}

// Joins tokens that stand for bytes into characters. Of bytes that are not UTF-8 each becomes a replacement character.
class ByteFallback final : public Decoder {
 public:
  void decode(std::vector<std::string>& tokens) const override {
    std::vector<std::string> result;
    std::string bytes;
    const auto flush = [&] {
      if (is_valid_utf8(bytes)) {
        if (!bytes.empty()) result.push_back(bytes);
      } else {
        result.insert(result.end(), bytes.size(), "\xEF\xBF\xBD");
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const int byte = byte_of(token); byte >= 0) {
        bytes += static_cast<char>(byte);
      } else {
        flush();
        result.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(result);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("ByteFallback");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<Decoder> make_byte_fallback(StageJson&) { return std::make_unique<ByteFallback>(); }

}  // namespace imago::tokenizers
