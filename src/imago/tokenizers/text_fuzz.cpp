// Any bytes as text, through tokenizers of several kinds: encode and encode_ids agree, and nothing crashes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/tokenizers/tokenizer.h"

namespace {

const std::vector<imago::Tokenizer>& tokenizers() {
  static const std::vector<imago::Tokenizer> all = {
      imago::Tokenizer::from_json(
          R"({"added_tokens":[{"id":4,"content":"<x>","single_word":true,"lstrip":true,"rstrip":true,
        "normalized":true,"special":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"},
        {"type":"Strip","strip_left":true,"strip_right":true}]},"pre_tokenizer":{"type":"Metaspace","replacement":"_",
        "prepend_scheme":"first","split":true},"decoder":{"type":"Metaspace","replacement":"_","prepend_scheme":"first"},
        "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5],["_a",-2],["ab",-2.5]]}})"),
      imago::Tokenizer::from_json(
          R"({"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
        "\\s+|[^\\s\\w]"},"behavior":"MergedWithNext","invert":false},{"type":"ByteLevel","add_prefix_space":true,
        "trim_offsets":true}]},"post_processor":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true},
        "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true},"model":{"type":"BPE","unk_token":"a",
        "fuse_unk":true,"vocab":{"a":0,"b":1,"ab":2,"aba":3},"merges":["a b","ab a"]}})"),
      imago::Tokenizer::from_json(
          R"({"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
        "strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece",
        "prefix":"##","cleanup":true},"model":{"type":"WordPiece","unk_token":"u","continuing_subword_prefix":"##",
        "max_input_chars_per_word":100,"vocab":{"u":0,"a":1,"##a":2,"ab":3}}})"),
  };
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const imago::Tokenizer& tokenizer : tokenizers()) {
    try {
      const imago::Encoding encoding = tokenizer.encode(text);
      if (encoding.ids != tokenizer.encode_ids(text)) std::abort();
      tokenizer.decode(encoding.ids);
    } catch (const imago::Error&) {
    }
  }
  return 0;
}
