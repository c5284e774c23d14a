#include "imago/tokenizers/legacy/class_stages.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "imago/base/error.h"
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

std::string_view prepend_scheme(const ClassOptions& options) {
  return options.boolean("add_prefix_space", true) ? "always" : "never";
}

// Writes templates: a token by its text, "A" and "B" for the sequences.
class Template {
 public:
  explicit Template(const ProcessorInput& input) : input_(input) {}

  using Pieces = std::vector<std::pair<std::string, int32_t>>;  // a token or "$A", "$B"; and its type
  Json json(const Pieces& single, const Pieces& pair) {
    Json result = {{"type", "TemplateProcessing"}};
    result["single"] = pieces(single);
    result["pair"] = pieces(pair);
    result["special_tokens"] = specials_;
    return result;
  }

 private:
  Json pieces(const Pieces& list) {
    Json result = Json::array();
    for (const auto& [text, type_id] : list) {
      if (text == "$A" || text == "$B") {
        result.push_back({{"Sequence", {{"id", text.substr(1)}, {"type_id", type_id}}}});
        continue;
      }
      result.push_back({{"SpecialToken", {{"id", text}, {"type_id", type_id}}}});
      const auto id = input_.id_of(text);
      if (!id) {
        throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json",
                    fmt::format("the special token '{}' is not in the vocabulary", text));
      }
      specials_[text] = {{"id", text}, {"ids", Json::array({*id})}, {"tokens", Json::array({text})}};
    }
    return result;
  }

  const ProcessorInput& input_;
  Json specials_ = Json::object();
};

const std::string& required(const std::optional<std::string>& token, std::string_view role) {
  if (!token) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", fmt::format("{} is null, but is needed", role));
  }
  return *token;
}

Json roberta(const ProcessorInput& input, const std::string& sep, const std::string& cls, bool trim_offsets,
             bool add_prefix_space) {
  const auto entry = [&](const std::string& token) -> Json {
    const auto id = input.id_of(token);
    if (!id) {
      throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json",
                  fmt::format("the special token '{}' is not in the vocabulary", token));
    }
    return Json::array({token, *id});
  };
  return {{"type", "RobertaProcessing"},
          {"sep", entry(sep)},
          {"cls", entry(cls)},
          {"trim_offsets", trim_offsets},
          {"add_prefix_space", add_prefix_space}};
}

}  // namespace

Json bert_normalizer(const ClassOptions& options) {
  const auto strip_accents = options.optional_boolean("strip_accents");
  return {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", options.boolean("tokenize_chinese_chars", true)},
          {"strip_accents", strip_accents ? Json(*strip_accents) : Json()},
          {"lowercase", options.boolean("do_lower_case", true)}};
}

Json lowercase_bert_normalizer(const ClassOptions&) {
  return {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", true},
          {"strip_accents", nullptr},
          {"lowercase", true}};
}

Json nfc_normalizer(const ClassOptions&) { return {{"type", "NFC"}}; }

Json clip_normalizer(const ClassOptions&) {
  return {{"type", "Sequence"},
          {"normalizers", {{{"type", "NFC"}}, replace_regex("\\s+", " "), {{"type", "Lowercase"}}}}};
}

Json charsmap_normalizer(const ClassOptions& options) {
  if (options.charsmap.empty()) return nullptr;
  return {{"type", "Precompiled"}, {"precompiled_charsmap", options.charsmap}};
}

Json albert_normalizer(const ClassOptions& options) {
  Json list = Json::array({replace("``", "\""), replace("''", "\"")});
  if (!options.boolean("keep_accents", false)) {
    list.push_back({{"type", "NFKD"}});
    list.push_back({{"type", "StripAccents"}});
  }
  if (options.boolean("do_lower_case", true)) list.push_back({{"type", "Lowercase"}});
  if (!options.charsmap.empty()) list.push_back(charsmap_normalizer(options));
  return {{"type", "Sequence"}, {"normalizers", list}};
}

Json deberta_v2_normalizer(const ClassOptions& options) {
  Json list = Json::array();
  if (options.boolean("do_lower_case", false)) list.push_back({{"type", "Lowercase"}});
  list.push_back(replace_regex("\\s{2,}|[\\n\\r\\t]", " "));
  list.push_back({{"type", "NFC"}});
  list.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
  return {{"type", "Sequence"}, {"normalizers", list}};
}

Json gemma_normalizer(const ClassOptions&) { return replace(" ", kMetaspace); }

Json bert_pre_tokenizer(const ClassOptions&) { return {{"type", "BertPreTokenizer"}}; }

Json byte_level_pre_tokenizer(const ClassOptions& options) {
  return byte_level(options.boolean("add_prefix_space", false), true);
}

Json split_pre_tokenizer(std::string_view pattern, bool add_prefix_space) {
  return {{"type", "Sequence"},
          {"pretokenizers", {split(pattern, "Isolated", false), byte_level(add_prefix_space, false)}}};
}

Json qwen2_pre_tokenizer(const ClassOptions& options) {
  return split_pre_tokenizer(kQwen2Split, options.boolean("add_prefix_space", false));
}

Json clip_pre_tokenizer(const ClassOptions&) {
  return {{"type", "Sequence"}, {"pretokenizers", {split(kClipSplit, "Removed", true), byte_level(false, true)}}};
}

Json llama_pre_tokenizer(const ClassOptions& options) {
  const bool legacy = options.boolean("legacy", false);
  const bool prefix = options.boolean("add_prefix_space", true);
  return metaspace(!prefix ? "never" : legacy ? "always" : "first", false);
}

Json gemma_pre_tokenizer(const ClassOptions&) {
  return {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
}

Json words_pre_tokenizer(const ClassOptions& options) {
  return {{"type", "Sequence"}, {"pretokenizers", {{{"type", "WhitespaceSplit"}}, metaspace(prepend_scheme(options))}}};
}

Json deberta_v2_pre_tokenizer(const ClassOptions& options) {
  Json list = Json::array();
  if (options.boolean("split_by_punct", false)) list.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
  list.push_back(metaspace(options.boolean("add_prefix_space", true) ? "always" : "first"));
  return {{"type", "Sequence"}, {"pretokenizers", list}};
}

Json word_piece_decoder(const ClassOptions&) { return {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}; }

Json byte_level_decoder(const ClassOptions&) { return byte_level(true, true); }

Json bpe_decoder(const ClassOptions&) { return {{"type", "BPEDecoder"}, {"suffix", "</w>"}}; }

Json metaspace_decoder(const ClassOptions& options) { return metaspace(prepend_scheme(options)); }

Json gemma_decoder(const ClassOptions&) {
  return {{"type", "Sequence"},
          {"decoders", {replace(kMetaspace, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}};
}

Json llama_decoder(const ClassOptions& options) {
  Json decoder = gemma_decoder(options);
  if (options.boolean("add_prefix_space", true)) {
    decoder["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  return decoder;
}

Json bos_eos_processor(const ProcessorInput& input) {
  const bool bos = input.options.boolean("add_bos_token", false) && input.tokens.bos_token;
  const bool eos = input.options.boolean("add_eos_token", false) && input.tokens.eos_token;
  Template::Pieces pair;
  const auto append = [&](const char* sequence, int32_t type_id) {
    if (bos) pair.emplace_back(*input.tokens.bos_token, type_id);
    pair.emplace_back(sequence, type_id);
    if (eos) pair.emplace_back(*input.tokens.eos_token, type_id);
  };
  append("$A", 0);
  const Template::Pieces single = pair;
  append("$B", 1);
  return Template(input).json(single, pair);
}

Json cls_sep_processor(const ProcessorInput& input) {
  const std::string cls = required(input.tokens.cls_token, "cls_token");
  const std::string sep = required(input.tokens.sep_token, "sep_token");
  return Template(input).json({{cls, 0}, {"$A", 0}, {sep, 0}}, {{cls, 0}, {"$A", 0}, {sep, 0}, {"$B", 1}, {sep, 1}});
}

Json cls_sep_sep_processor(const ProcessorInput& input) {
  const std::string cls = required(input.tokens.cls_token, "cls_token");
  const std::string sep = required(input.tokens.sep_token, "sep_token");
  return Template(input).json({{cls, 0}, {"$A", 0}, {sep, 0}},
                              {{cls, 0}, {"$A", 0}, {sep, 0}, {sep, 0}, {"$B", 0}, {sep, 0}});
}

Json bos_eos_eos_processor(const ProcessorInput& input) {
  const std::string bos = required(input.tokens.bos_token, "bos_token");
  const std::string eos = required(input.tokens.eos_token, "eos_token");
  return Template(input).json({{bos, 0}, {"$A", 0}, {eos, 0}},
                              {{bos, 0}, {"$A", 0}, {eos, 0}, {eos, 0}, {"$B", 0}, {eos, 0}});
}

Json eos_processor(const ProcessorInput& input) {
  const std::string eos = required(input.tokens.eos_token, "eos_token");
  return Template(input).json({{"$A", 0}, {eos, 0}}, {{"$A", 0}, {eos, 0}, {"$B", 0}, {eos, 0}});
}

Json roberta_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.sep_token, "sep_token"), required(input.tokens.cls_token, "cls_token"),
                 input.options.boolean("trim_offsets", true), input.options.boolean("add_prefix_space", false));
}

Json clip_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.eos_token, "eos_token"), required(input.tokens.bos_token, "bos_token"),
                 false, false);
}

Json mpnet_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.sep_token, "sep_token"), required(input.tokens.cls_token, "cls_token"),
                 true, false);
}

Json whisper_processor(const ProcessorInput& input) {
  for (const char* name : {"language", "task"}) {
    if (input.options.has(name)) {
      throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
                  fmt::format("the member '{}' of a WhisperTokenizer", name), "give the prompt tokens to generation");
    }
  }
  const std::string eos = required(input.tokens.eos_token, "eos_token");
  // A token that the vocabulary lacks is the unknown token, as everywhere.
  const auto known = [&](const char* token) {
    return input.id_of(token) ? std::string(token) : required(input.tokens.unk_token, "unk_token");
  };
  Template::Pieces single = {{known("<|startoftranscript|>"), 0}};
  if (!input.options.boolean("predict_timestamps", false)) single.emplace_back(known("<|notimestamps|>"), 0);
  Template::Pieces pair = single;
  single.insert(single.end(), {{"$A", 0}, {eos, 0}});
  pair.insert(pair.end(), {{"$A", 0}, {"$B", 1}, {eos, 1}});
  return Template(input).json(single, pair);
}

}  // namespace imago::tokenizers
