#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/class_stages.h"

namespace imago::tokenizers {
namespace {

const std::string& required(const std::optional<std::string>& token, std::string_view role) {
  if (!token) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", fmt::format("{} is null, but is needed", role));
  }
  return *token;
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
      auto id = input_.id_of(text);
      // A language that the vocabulary lacks keeps its name and gets the unknown token's id.
      if (!id && text == input_.language) id = input_.id_of(required(input_.tokens.unk_token, "unk_token"));
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

Json bos_eos(const ProcessorInput& input, bool adds_bos) {
  const bool bos = input.options.boolean("add_bos_token", adds_bos) && input.tokens.bos_token;
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

// A word of a template as the token it means.
std::string token_of(const ProcessorInput& input, const std::string& word) {
  const std::pair<const char*, const std::optional<std::string>&> roles[] = {{"bos", input.tokens.bos_token},
                                                                             {"eos", input.tokens.eos_token},
                                                                             {"sep", input.tokens.sep_token},
                                                                             {"cls", input.tokens.cls_token},
                                                                             {"unk", input.tokens.unk_token}};
  for (const auto& [name, token] : roles) {
    if (word == name) return required(token, word + "_token");
  }
  if (word != "language") return word;
  // A token that the vocabulary lacks is the unknown token, as everywhere.
  return input.id_of(input.language) ? input.language : required(input.tokens.unk_token, "unk_token");
}

Template::Pieces parse_template(const ProcessorInput& input, std::string_view text) {
  Template::Pieces pieces;
  while (!text.empty()) {
    std::string word(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    int32_t type_id = 0;
    if (word.size() > 2 && word[word.size() - 2] == ':') {
      type_id = word.back() - '0';
      word.resize(word.size() - 2);
    }
    pieces.emplace_back(word.starts_with('$') ? word : token_of(input, word), type_id);
  }
  return pieces;
}

}  // namespace

Json bos_eos_processor(const ProcessorInput& input) { return bos_eos(input, false); }

Json template_processor(const ProcessorInput& input, std::string_view single, std::string_view pair) {
  return Template(input).json(parse_template(input, single), parse_template(input, pair));
}

Json code_llama_processor(const ProcessorInput& input) { return bos_eos(input, true); }

Json code_gen_processor(const ProcessorInput& input) {
  if (input.options.has("add_bos_token") || input.options.has("add_eos_token")) return bos_eos_processor(input);
  return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
}

Json splinter_processor(const ProcessorInput& input) {
  const bool right = input.options.text("padding_side", "right") == "right";
  const std::string question = input.options.text("question_token", "[QUESTION]");
  const std::string pair =
      right ? "cls $A " + question + " . sep $B:1 sep:1" : "cls $A sep $B:1 " + question + " . sep:1";
  return template_processor(input, "cls $A sep", pair);
}

Json nllb_processor(const ProcessorInput& input) {
  if (input.options.boolean("legacy_behaviour", false)) {
    return template_processor(input, "$A eos " + input.language, "$A $B eos " + input.language);
  }
  return template_processor(input, input.language + " $A eos", input.language + " $A $B eos");
}

Json herbert_processor(const ProcessorInput& input) {
  // The ids are the reference's, whatever the vocabulary has there.
  return {{"type", "BertProcessing"},
          {"sep", {required(input.tokens.sep_token, "sep_token"), 2}},
          {"cls", {required(input.tokens.cls_token, "cls_token"), 0}}};
}

Json roberta_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.sep_token, "sep_token"), required(input.tokens.cls_token, "cls_token"),
                 input.options.boolean("trim_offsets", true), input.options.boolean("add_prefix_space", false));
}

Json spaced_roberta_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.sep_token, "sep_token"), required(input.tokens.cls_token, "cls_token"),
                 true, input.options.boolean("add_prefix_space", true));
}

Json clip_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.eos_token, "eos_token"), required(input.tokens.bos_token, "bos_token"),
                 false, false);
}

Json mpnet_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.sep_token, "sep_token"), required(input.tokens.cls_token, "cls_token"),
                 true, false);
}

Json luke_processor(const ProcessorInput& input) {
  return roberta(input, required(input.tokens.sep_token, "sep_token"), required(input.tokens.cls_token, "cls_token"),
                 true, true);
}

Json xglm_processor(const ProcessorInput& input) {
  Json processor = template_processor(input, "eos $A", "eos $A eos eos $B");
  // The reference names this token, too, though its templates have no place for it.
  const Json named = template_processor(input, "bos $A", "$A $B");
  processor["special_tokens"].update(named["special_tokens"]);
  return processor;
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
