#include "imago/tokenizers/legacy/class_pieces.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "imago/base/error.h"

namespace imago::tokenizers {
namespace {

// Tokens are made of these numbers; one beyond this is no model's.
constexpr int64_t kMaxNumberedTokens = 10000;

int64_t checked_count(const ClassOptions& options, const char* name, int64_t absent) {
  const int64_t count = options.integer(name, absent);
  if (count < 0 || count > kMaxNumberedTokens) {
    throw Error(ErrorKind::kLimitExceeded, "tokenizer_config.json", fmt::format("{} is {}", name, count));
  }
  return count;
}

std::vector<std::string> numbered_sentinels(const ClassOptions& options, int64_t absent) {
  std::vector<std::string> tokens;
  const int64_t count = checked_count(options, "extra_ids", absent);
  for (int64_t i = 0; i < count; ++i) tokens.push_back(fmt::format("<extra_id_{}>", i));
  return tokens;
}

// What the reference writes for a token that is none.
std::string spelled(const std::optional<std::string>& token) { return token.value_or("None"); }

// mBART-50's languages begin with mBART's.
constexpr const char* kLanguages[] = {"ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN",
                                      "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP",
                                      "nl_XX", "ro_RO", "ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ",
                                      "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE", "km_KH", "mk_MK", "ml_IN",
                                      "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN",
                                      "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"};
constexpr size_t kMBartLanguages = 25;

// Takes the first pieces away and puts others in their place.
Pieces with_head(Pieces pieces, size_t removed, Pieces head) {
  pieces.erase(pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(std::min(removed, pieces.size())));
  pieces.insert(pieces.begin(), head.begin(), head.end());
  return pieces;
}

// What fairseq's dictionaries have before the pieces.
Pieces with_fairseq_head(Pieces pieces, const std::optional<std::string>& first, const SpecialTokens& tokens) {
  return with_head(std::move(pieces), 3,
                   {{spelled(first), 0.0},
                    {spelled(tokens.pad_token), 0.0},
                    {spelled(tokens.eos_token), 0.0},
                    {spelled(tokens.unk_token), 0.0}});
}

Pieces with_languages(Pieces pieces, std::span<const char* const> languages, const SpecialTokens& tokens) {
  for (const char* language : languages) pieces.push_back({language, 0.0});
  pieces.push_back({spelled(tokens.mask_token), 0.0});
  return pieces;
}

}  // namespace

BpeOptions byte_level_bpe(const SpecialTokens&) {
  BpeOptions options;
  options.continuing_subword_prefix = "";
  options.end_of_word_suffix = "";
  return options;
}

BpeOptions word_end_bpe(const SpecialTokens& tokens) {
  BpeOptions options = herbert_bpe(tokens);
  options.continuing_subword_prefix = "";
  return options;
}

BpeOptions herbert_bpe(const SpecialTokens& tokens) {
  BpeOptions options;
  options.unk_token = tokens.unk_token;
  options.end_of_word_suffix = "</w>";
  return options;
}

BpeOptions piece_bpe(const SpecialTokens& tokens) {
  BpeOptions options;
  options.unk_token = tokens.unk_token;
  options.fuse_unk = true;
  return options;
}

BpeOptions llama_bpe(const SpecialTokens&) {
  BpeOptions options;
  options.fuse_unk = true;
  options.byte_fallback = true;
  return options;
}

BpeOptions gemma_bpe(const SpecialTokens& tokens) {
  BpeOptions options = piece_bpe(tokens);
  options.byte_fallback = true;
  return options;
}

std::vector<std::string> sentinels(const ClassOptions& options) { return numbered_sentinels(options, 100); }
std::vector<std::string> byt5_sentinels(const ClassOptions& options) { return numbered_sentinels(options, 125); }

Pieces with_sentinels(Pieces pieces, const ClassOptions& options, const SpecialTokens&) {
  std::vector<std::string> tokens = sentinels(options);
  std::reverse(tokens.begin(), tokens.end());
  for (std::string& token : tokens) pieces.push_back({std::move(token), 0.0});
  return pieces;
}

Pieces as_fairseq(Pieces pieces, const ClassOptions&, const SpecialTokens& tokens) {
  return with_languages(with_fairseq_head(std::move(pieces), tokens.bos_token, tokens), {}, tokens);
}

Pieces as_mbart(Pieces pieces, const ClassOptions&, const SpecialTokens& tokens) {
  return with_languages(with_fairseq_head(std::move(pieces), tokens.bos_token, tokens),
                        std::span(kLanguages).first(kMBartLanguages), tokens);
}

Pieces as_mbart50(Pieces pieces, const ClassOptions&, const SpecialTokens& tokens) {
  return with_languages(with_fairseq_head(std::move(pieces), tokens.cls_token, tokens), kLanguages, tokens);
}

Pieces as_camembert(Pieces pieces, const ClassOptions&, const SpecialTokens& tokens) {
  pieces = with_head(std::move(pieces), 1,
                     {{"<s>NOTUSED", 0.0},
                      {spelled(tokens.pad_token), 0.0},
                      {"</s>NOTUSED", 0.0},
                      {spelled(tokens.unk_token), 0.0},
                      {"<unk>NOTUSED", -100.0}});
  pieces.push_back({spelled(tokens.mask_token), 0.0});
  return pieces;
}

Pieces as_nllb(Pieces pieces, const ClassOptions&, const SpecialTokens& tokens) {
  Pieces head;
  for (const auto& token : {tokens.bos_token, tokens.pad_token, tokens.eos_token, tokens.unk_token}) {
    head.push_back({spelled(token), 0.0});
    std::erase_if(pieces, [&](const ScoredPiece& piece) { return piece.text == head.back().text; });
  }
  return with_head(std::move(pieces), 0, std::move(head));
}

// <unk_2>, <unk_3>, ... up to the offset that the pieces have been moved by.
std::vector<std::string> pegasus_unknowns(const ClassOptions& options) {
  std::vector<std::string> tokens;
  const int64_t offset = checked_count(options, "offset", 103);
  for (int64_t i = 2; i < offset; ++i) tokens.push_back(fmt::format("<unk_{}>", i));
  return tokens;
}

// The defaults of the two mask tokens are those of the reference's converter, not of its class.
Pieces as_pegasus(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens) {
  const std::string mask = options.has("mask_token") ? spelled(tokens.mask_token) : "<mask_1>";
  const std::string sentence_mask = options.text("mask_token_sent", "<mask_2>");
  Pieces head = {{spelled(tokens.pad_token), 0.0}, {spelled(tokens.eos_token), 0.0}, {mask, 0.0}};
  if (sentence_mask != mask) head.push_back({sentence_mask, 0.0});
  for (std::string& token : pegasus_unknowns(options)) head.push_back({std::move(token), -100.0});
  return with_head(std::move(pieces), 2, std::move(head));
}

Pieces as_xglm(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens) {
  pieces = with_fairseq_head(std::move(pieces), tokens.bos_token, tokens);
  for (std::string& word : made_up_words(options)) pieces.push_back({std::move(word), 0.0});
  return pieces;
}

// Every piece moves up by one, so that what was there before keeps its name but not its id.
Pieces as_seamless(Pieces pieces, const ClassOptions&, const SpecialTokens&) {
  return with_head(std::move(pieces), 0, {{"<pad>", 0.0}});
}

std::vector<std::string> pegasus_tokens(const ClassOptions& options) {
  std::vector<std::string> tokens = pegasus_unknowns(options);
  tokens.insert(tokens.begin(), options.text("mask_token_sent", "<mask_1>"));
  return tokens;
}

std::vector<std::string> luke_entities(const ClassOptions& options) {
  return {options.token("entity_token_1", "<ent>"), options.token("entity_token_2", "<ent2>")};
}

std::vector<std::string> mluke_entities(const ClassOptions& options) {
  return {options.token("entity_token_1", "\u2581<ent>"), options.token("entity_token_2", "\u2581<ent2>")};
}

std::vector<std::string> made_up_words(const ClassOptions&) {
  std::vector<std::string> words;
  for (int i = 0; i < 7; ++i) words.push_back(fmt::format("<madeupword{}>", i));
  return words;
}

std::vector<std::string> question_token(const ClassOptions& options) {
  return {options.text("question_token", "[QUESTION]")};
}

std::vector<std::string> infill_tokens(const ClassOptions& options) {
  return {options.text("prefix_token", "\u2581<PRE>"), options.text("middle_token", "\u2581<MID>"),
          options.text("suffix_token", "\u2581<SUF>"), options.text("eot_token", "\u2581<EOT>"),
          options.text("fill_token", "<FILL_ME>")};
}

std::vector<std::string> mbart_languages(const ClassOptions&) {
  return {std::begin(kLanguages), std::begin(kLanguages) + kMBartLanguages};
}

std::vector<std::string> mbart50_languages(const ClassOptions&) {
  return {std::begin(kLanguages), std::end(kLanguages)};
}

std::string mbart_language(const ClassOptions& options) { return options.text("src_lang", "en_XX"); }

std::string nllb_language(const ClassOptions& options) { return options.text("src_lang", "eng_Latn"); }

std::string seamless_language(const ClassOptions& options) {
  const std::string language = options.text("tgt_lang", "fra");
  return language.find("__") == std::string::npos ? "__" + language + "__" : language;
}

}  // namespace imago::tokenizers
