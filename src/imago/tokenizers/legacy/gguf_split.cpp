#include "imago/tokenizers/legacy/gguf_split.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/class_stages.h"
#include "imago/tokenizers/legacy/split_patterns.h"
#include "imago/tokenizers/pre_tokenizers/known_patterns.h"

namespace imago::tokenizers {
namespace {

Json isolated(std::string_view pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Json split_steps(std::initializer_list<Json> steps) {
  Json list = Json::array();
  for (const Json& step : steps) list.push_back(step);
  list.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", list}};
}

struct Known {
  std::string_view name, pattern;
  bool ignore_merges;
};

// The names that files are written with come first.
const std::vector<Known>& known() {
  static const std::vector<Known> table = {
      {"gpt-2", kGpt2Pattern, false},
      {"llama-bpe", kLlama3Split, true},
      {"smaug-bpe", kLlama3Split, false},
      {"tekken", kTekkenSplit, true},
      {"qwen2", kQwen2Split, false},
      {"gpt-4o", kO200kSplit, false},
      {"", kGpt2Pattern, false},
      {"default", kGpt2Pattern, false},
      {"gpt2", kGpt2Pattern, false},
      {"phi-2", kGpt2Pattern, false},
      {"roberta-bpe", kGpt2Pattern, false},
      {"olmo", kGpt2Pattern, false},
      {"mpt", kGpt2Pattern, false},
      {"jais", kGpt2Pattern, false},
      {"llama3", kLlama3Split, true},
      {"llama-v3", kLlama3Split, true},
      {"falcon3", kLlama3Split, true},
      {"falcon-h1", kLlama3Split, true},
      {"pixtral", kLlama3Split, true},
      {"midm-2.0", kLlama3Split, true},
      {"lfm2", kLlama3Split, true},
      {"jina-v5-nano", kLlama3Split, true},
      {"dbrx", kLlama3Split, false},
      {"deepseek-r1-qwen", kQwen2Split, false},
      {"kormo", kQwen2Split, false},
      {"f2llmv2", kQwen2Split, false},
      {"megrez", kQwen2Split, false},
      {"llama4", kO200kSplit, false},
      {"kanana2", kO200kSplit, false},
      {"talkie", kO200kSplit, false},
      {"minimax-m2", kO200kSplit, false},
  };
  return table;
}

// Qwen's vocabularies are of composed characters.
Json normalizer_of(std::string_view pattern) { return pattern == kQwen2Split ? Json({{"type", "NFC"}}) : Json(); }

Json steps_of(std::string_view name) {
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  if (name == "deepseek-coder") {
    return split_steps({isolated("[\\r\\n]"), isolated("\\s?\\p{L}+"), isolated("\\s?\\p{P}+"),
                        isolated(kDeepseekIdeographs), digits});
  }
  if (name == "deepseek-llm") {
    return split_steps({isolated("[\\r\\n]"), isolated(kDeepseekLetters), isolated(kDeepseekPunctuation),
                        isolated("\\s+$"), isolated(kDeepseekIdeographs), digits});
  }
  return nullptr;
}

// The expression that cuts bytes into words, where that is all a pre-tokenizer does.
std::optional<std::string> pattern_of(const Json& stage) {
  if (!stage.is_object()) return std::nullopt;
  const auto is_plain = [](const Json& bytes) {
    return bytes.at("type") == "ByteLevel" && !bytes.at("add_prefix_space").get<bool>();
  };
  if (is_plain(stage))
    return stage.at("use_regex").get<bool>() ? std::optional(std::string(kGpt2Pattern)) : std::nullopt;
  if (stage.at("type") != "Sequence" || stage.at("pretokenizers").size() != 2) return std::nullopt;
  const Json &split = stage.at("pretokenizers")[0], &bytes = stage.at("pretokenizers")[1];
  if (split.at("type") != "Split" || split.at("behavior") != "Isolated" || split.at("invert").get<bool>() ||
      !split.at("pattern").contains("Regex") || !is_plain(bytes) || bytes.at("use_regex").get<bool>()) {
    return std::nullopt;
  }
  return split.at("pattern").at("Regex").get<std::string>();
}

const Known* find(std::string_view name) {
  const auto found = std::find_if(known().begin(), known().end(), [&](const Known& each) { return each.name == name; });
  return found == known().end() ? nullptr : &*found;
}

}  // namespace

Json gguf_normalizer(std::string_view name) {
  const Known* const found = find(name);
  return found == nullptr ? Json() : normalizer_of(found->pattern);
}

Json gguf_pre_tokenizer(std::string_view name) {
  if (const Known* const found = find(name)) return split_pre_tokenizer(found->pattern, false);
  Json steps = steps_of(name);
  if (!steps.is_null()) return steps;
  throw Error(ErrorKind::kUnsupported, "tokenizer.ggml.pre", fmt::format("the split '{}' is not known", name));
}

bool gguf_ignores_merges(std::string_view name) {
  const Known* const found = find(name);
  return found != nullptr && found->ignore_merges;
}

std::optional<std::string_view> gguf_split_name(const Json& normalizer, const Json& pre_tokenizer, bool ignore_merges) {
  for (const std::string_view name : {"deepseek-coder", "deepseek-llm"}) {
    if (pre_tokenizer == steps_of(name) && normalizer.is_null()) return name;
  }
  const auto pattern = pattern_of(pre_tokenizer);
  if (!pattern) return std::nullopt;
  const Known* found = nullptr;
  for (const Known& each : known()) {
    if (each.pattern != *pattern || normalizer_of(each.pattern) != normalizer) continue;
    if (each.ignore_merges == ignore_merges) return each.name;
    if (found == nullptr) found = &each;
  }
  return found == nullptr ? std::nullopt : std::optional(found->name);
}

}  // namespace imago::tokenizers
