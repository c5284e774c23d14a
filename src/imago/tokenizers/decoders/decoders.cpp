#include "imago/tokenizers/decoders/decoders.h"

#include "imago/base/error.h"

namespace imago::tokenizers {

std::unique_ptr<Decoder> make_decoder(const Json& json) {
  struct Entry {
    std::string_view type;
    MakeDecoder* make;
  };
  static constexpr Entry kTypes[] = {
      {"BPEDecoder", make_bpe_decoder},
      {"ByteFallback", make_byte_fallback},
      {"ByteLevel", make_byte_level_decoder},
      {"CTC", make_ctc},
      {"Fuse", make_fuse},
      {"Metaspace", make_metaspace_decoder},
      {"Replace", make_replace_decoder},
      {"Sequence", make_decoder_sequence},
      {"Strip", make_strip_decoder},
      {"WordPiece", make_word_piece_decoder},
  };
  StageJson reader(json, "decoder");
  for (const Entry& entry : kTypes) {
    if (entry.type != reader.type()) continue;
    std::unique_ptr<Decoder> decoder = entry.make(reader);
    reader.done();
    return decoder;
  }
  throw Error(ErrorKind::kUnsupported, "decoder", "the type '" + reader.type() + "' is unknown");
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty()) return std::string(text);
  std::string result;
  size_t copied = 0;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, copied)) {
    result.append(text, copied, at - copied);
    result += to;
    copied = at + from.size();
  }
  result.append(text, copied);
  return result;
}

std::string clean_up_word_piece(std::string text) {
  struct Rule {
    std::string_view from, to;
  };
  static constexpr Rule kRules[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                    {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                    {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  if (text.find(' ') == std::string::npos) return text;
  for (const Rule& rule : kRules) text = replace_all(text, rule.from, rule.to);
  return text;
}

}  // namespace imago::tokenizers
