#include "imago/tokenizers/legacy/class_stages.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/split_patterns.h"

namespace imago::tokenizers {
namespace {

constexpr const char* kMetaspace = "\u2581";

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json metaspace(std::string_view prepend_scheme, bool split = true) {
  return {{"type", "Metaspace"}, {"replacement", kMetaspace}, {"prepend_scheme", prepend_scheme}, {"split", split}};
}

Json replace(std::string_view from, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

Json replace_regex(std::string_view pattern, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", to}};
}

Json split(std::string_view pattern, std::string_view behavior, bool invert) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", behavior}, {"invert", invert}};
}

Json split_string(std::string_view text, std::string_view behavior) {
  return {{"type", "Split"}, {"pattern", {{"String", text}}}, {"behavior", behavior}, {"invert", false}};
}

Json digits() { return {{"type", "Digits"}, {"individual_digits", true}}; }

Json in_turn(Json pre_tokenizers) { return {{"type", "Sequence"}, {"pretokenizers", std::move(pre_tokenizers)}}; }

Json strip(bool left, bool right) { return {{"type", "Strip"}, {"strip_left", left}, {"strip_right", right}}; }

Json sequence(Json normalizers) { return {{"type", "Sequence"}, {"normalizers", std::move(normalizers)}}; }

Json plain_quotes() { return Json::array({replace("``", "\""), replace("''", "\"")}); }

Json letters_normalizer(const ClassOptions& options, Json list, bool keep_accents, bool lower_case) {
  if (!keep_accents) {
    list.push_back({{"type", "NFKD"}});
    list.push_back({{"type", "StripAccents"}});
  }
  if (lower_case) list.push_back({{"type", "Lowercase"}});
  if (!options.charsmap.empty()) list.push_back(charsmap_normalizer(options));
  return sequence(std::move(list));
}

Json bert(bool handle_chinese_chars, std::optional<bool> strip_accents, bool lowercase) {
  return {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", handle_chinese_chars},
          {"strip_accents", strip_accents ? Json(*strip_accents) : Json()},
          {"lowercase", lowercase}};
}

std::string_view prepend_scheme(const ClassOptions& options) {
  return options.boolean("add_prefix_space", true) ? "always" : "never";
}

}  // namespace

Json bert_normalizer(const ClassOptions& options) {
  return bert(options.boolean("tokenize_chinese_chars", true), options.optional_boolean("strip_accents"),
              options.boolean("do_lower_case", true));
}

Json funnel_normalizer(const ClassOptions& options) {
  Json normalizer = bert_normalizer(options);
  normalizer["clean_text"] = options.boolean("clean_text", true);
  return normalizer;
}

Json lowercase_bert_normalizer(const ClassOptions&) { return bert(true, std::nullopt, true); }

Json herbert_normalizer(const ClassOptions&) { return bert(true, false, false); }

Json nfc_normalizer(const ClassOptions&) { return {{"type", "NFC"}}; }
Json nfkc_normalizer(const ClassOptions&) { return {{"type", "NFKC"}}; }

Json clip_normalizer(const ClassOptions&) {
  return {{"type", "Sequence"},
          {"normalizers", {{{"type", "NFC"}}, replace_regex("\\s+", " "), {{"type", "Lowercase"}}}}};
}

Json charsmap_normalizer(const ClassOptions& options) {
  if (options.charsmap.empty()) return nullptr;
  return {{"type", "Precompiled"}, {"precompiled_charsmap", options.charsmap}};
}

Json albert_normalizer(const ClassOptions& options) {
  return letters_normalizer(options, plain_quotes(), options.boolean("keep_accents", false),
                            options.boolean("do_lower_case", true));
}

Json rembert_normalizer(const ClassOptions& options) {
  Json list = plain_quotes();
  list.push_back(replace_regex(" {2,}", " "));
  return letters_normalizer(options, list, options.boolean("keep_accents", true),
                            options.boolean("do_lower_case", false));
}

Json xlnet_normalizer(const ClassOptions& options) {
  return letters_normalizer(options, plain_quotes(), false, options.boolean("do_lower_case", false));
}

Json single_space_normalizer(const ClassOptions& options) {
  Json list = Json::array();
  if (!options.charsmap.empty()) list.push_back(charsmap_normalizer(options));
  list.push_back(replace_regex(" {2,}", " "));
  return sequence(list);
}

Json single_space_charsmap_normalizer(const ClassOptions& options) {
  return options.charsmap.empty() ? Json() : single_space_normalizer(options);
}

Json big_bird_normalizer(const ClassOptions&) {
  return sequence({strip(false, false), replace_regex(" {2,}", kMetaspace)});
}

Json layout_xlm_normalizer(const ClassOptions&) {
  return sequence({strip(false, true), replace_regex(" {2,}", kMetaspace)});
}

Json barthez_normalizer(const ClassOptions&) {
  return sequence({replace_regex("\\s{2,}|[\\n\\r\\t]", " "), {{"type", "NFC"}}, strip(false, true)});
}

Json seamless_normalizer(const ClassOptions&) {
  return sequence({replace_regex("[\\n\\r\\t]", " "),
                   {{"type", "NFKC"}},
                   strip(false, true),
                   replace_regex(" +\u2581", kMetaspace),
                   replace_regex("^\u2581+$", ""),
                   replace_regex(" {2,}", kMetaspace)});
}

Json deberta_v2_normalizer(const ClassOptions& options) {
  Json list = Json::array();
  if (options.boolean("do_lower_case", false)) list.push_back({{"type", "Lowercase"}});
  const Json letters = barthez_normalizer(options);
  for (const Json& step : letters["normalizers"]) list.push_back(step);
  return sequence(list);
}

Json gemma_normalizer(const ClassOptions&) { return replace(" ", kMetaspace); }

Json siglip2_normalizer(const ClassOptions& options) {
  return sequence({{{"type", "Lowercase"}}, gemma_normalizer(options)});
}

Json tipsv2_normalizer(const ClassOptions& options) {
  return letters_normalizer(options, Json::array(), true, options.boolean("do_lower_case", true));
}

Json pegasus_normalizer(const ClassOptions& options) {
  if (!options.charsmap.empty()) return single_space_normalizer(options);
  return sequence({replace_regex("\\n", " "), replace_regex(" {2,}", " ")});
}

Json quotes_normalizer(const ClassOptions&) { return sequence(plain_quotes()); }

Json bert_pre_tokenizer(const ClassOptions&) { return {{"type", "BertPreTokenizer"}}; }

Json byte_level_pre_tokenizer(const ClassOptions& options) {
  return byte_level(options.boolean("add_prefix_space", false), true);
}

Json spaced_byte_level_pre_tokenizer(const ClassOptions& options) {
  return byte_level(options.boolean("add_prefix_space", true), true);
}

Json whole_byte_level_pre_tokenizer(const ClassOptions&) { return byte_level(false, false); }

Json split_pre_tokenizer(std::string_view pattern, bool add_prefix_space) {
  return {{"type", "Sequence"},
          {"pretokenizers", {split(pattern, "Isolated", false), byte_level(add_prefix_space, false)}}};
}

Json qwen2_pre_tokenizer(const ClassOptions& options) {
  return split_pre_tokenizer(kQwen2Split, options.boolean("add_prefix_space", false));
}

Json qwen3_5_pre_tokenizer(const ClassOptions& options) {
  return split_pre_tokenizer(kQwen35Split, options.boolean("add_prefix_space", false));
}

Json clip_pre_tokenizer(const ClassOptions&) {
  return {{"type", "Sequence"}, {"pretokenizers", {split(kClipSplit, "Removed", true), byte_level(false, true)}}};
}

Json llama_pre_tokenizer(const ClassOptions& options) {
  const bool legacy = options.boolean("legacy", false);
  const bool prefix = options.boolean("add_prefix_space", true);
  return metaspace(!prefix ? "never" : legacy ? "always" : "first", false);
}

Json gemma_pre_tokenizer(const ClassOptions&) { return split_string(" ", "MergedWithPrevious"); }

Json code_llama_pre_tokenizer(const ClassOptions& options) {
  return metaspace(options.boolean("add_prefix_space", true) ? "first" : "never", false);
}

Json cohere_pre_tokenizer(const ClassOptions& options) {
  return in_turn({digits(), byte_level_pre_tokenizer(options)});
}

Json nougat_pre_tokenizer(const ClassOptions&) {
  // The second is a regular expression by its looks, but the reference has it as a text, which no text contains.
  return in_turn({split_string("SPL1T-TH1S-Pl3A5E", "Removed"), digits(),
                  split_string(R"([\(\)\[\]\{\}]|([!\"#\$%\&'\*\+,\-\./:;<=>\?\\\^_`\|\~])\1*)", "Isolated"),
                  split_string("\n", "Isolated"), byte_level(false, true)});
}

Json words_pre_tokenizer(const ClassOptions& options) {
  return in_turn({{{"type", "WhitespaceSplit"}}, metaspace(prepend_scheme(options))});
}

Json always_words_pre_tokenizer(const ClassOptions&) {
  return in_turn({{{"type", "WhitespaceSplit"}}, metaspace("always")});
}

Json metaspace_pre_tokenizer(const ClassOptions& options) { return metaspace(prepend_scheme(options)); }
Json always_metaspace_pre_tokenizer(const ClassOptions&) { return metaspace("always"); }
Json first_metaspace_pre_tokenizer(const ClassOptions&) { return metaspace("first"); }

Json deberta_v2_pre_tokenizer(const ClassOptions& options) {
  Json list = Json::array();
  if (options.boolean("split_by_punct", false)) list.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
  list.push_back(metaspace(options.boolean("add_prefix_space", true) ? "always" : "first"));
  return {{"type", "Sequence"}, {"pretokenizers", list}};
}

Json word_piece_decoder(const ClassOptions&) { return {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}; }

Json byte_level_decoder(const ClassOptions&) { return byte_level(true, true); }

// ByteLevel puts U+FFFD for what is not UTF-8.
Json valid_byte_level_decoder(const ClassOptions& options) {
  return {{"type", "Sequence"}, {"decoders", {byte_level_decoder(options), replace("\uFFFD", "")}}};
}

Json bpe_decoder(const ClassOptions&) { return {{"type", "BPEDecoder"}, {"suffix", "</w>"}}; }

Json funnel_decoder(const ClassOptions& options) {
  return {{"type", "WordPiece"}, {"prefix", options.text("wordpieces_prefix", "##")}, {"cleanup", true}};
}

Json metaspace_decoder(const ClassOptions& options) { return metaspace(prepend_scheme(options)); }
Json always_metaspace_decoder(const ClassOptions&) { return metaspace("always"); }
Json first_metaspace_decoder(const ClassOptions&) { return metaspace("first"); }

Json gemma_decoder(const ClassOptions&) {
  return {{"type", "Sequence"},
          {"decoders", {replace(kMetaspace, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}};
}

Json tipsv2_decoder(const ClassOptions&) {
  return {{"type", "Sequence"}, {"decoders", {metaspace("always"), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}};
}

Json code_llama_decoder(const ClassOptions& options) {
  Json decoder = gemma_decoder(options);
  decoder["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return decoder;
}

Json llama_decoder(const ClassOptions& options) {
  return options.boolean("add_prefix_space", true) ? code_llama_decoder(options) : gemma_decoder(options);
}

}  // namespace imago::tokenizers
