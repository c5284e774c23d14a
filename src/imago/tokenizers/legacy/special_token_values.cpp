#include "imago/tokenizers/legacy/special_token_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::tokenizers {
namespace {

constexpr const char* kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};
constexpr size_t kMask = 6;
constexpr std::string_view kWhere = "tokenizer_config.json";

bool flag(const Json& value, const char* name, bool absent) {
  const auto found = value.find(name);
  if (found == value.end() || found->is_null()) return absent;
  if (!found->is_boolean()) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("'{}' of a token is no boolean", name));
  }
  return found->get<bool>();
}

bool is_token(const Json& value) {
  return value.is_string() || (value.is_object() && value.contains("content") && value["content"].is_string());
}

// `special` says that its place makes it a special token, whatever its own flag is.
TokenValue read_token(const Json& value, bool special) {
  TokenValue result;
  if (!is_token(value)) {
    throw Error(ErrorKind::kInvalidFile, kWhere, "a token is neither a string nor an object with its content");
  }
  if (value.is_string()) {
    result.token.content = value.get<std::string>();
    result.token.normalized = false;
    result.token.special = true;
    result.text_only = true;
    return result;
  }
  result.token.content = value["content"].get<std::string>();
  result.token.single_word = flag(value, "single_word", false);
  result.token.lstrip = flag(value, "lstrip", false);
  result.token.rstrip = flag(value, "rstrip", false);
  result.token.special = special || flag(value, "special", false);
  result.token.normalized = flag(value, "normalized", !result.token.special);
  return result;
}

TokenValue text_token(std::string_view content) {
  return {{.content = std::string(content), .normalized = false, .special = true}, true};
}

int32_t read_id(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("added_tokens_decoder has the entry \"{}\"", text));
  }
  return static_cast<int32_t>(std::stol(text));
}

void read_extra(const Json& config, SpecialTokenValues& values) {
  const auto is_given = [&](const char* key) {
    const auto found = config.find(key);
    return found != config.end() && !found->is_null();
  };
  // The older name counts where the newer one is absent or empty.
  const char* key = is_given("extra_special_tokens") && !config["extra_special_tokens"].empty()
                        ? "extra_special_tokens"
                        : "additional_special_tokens";
  if (!is_given(key)) return;
  const Json& list = config[key];
  if (list.is_object()) {
    for (const auto& [name, value] : list.items()) values.model_specific.push_back(read_token(value, true));
    return;
  }
  if (!list.is_array()) throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("'{}' is no array", key));
  values.extra.emplace();
  for (const Json& value : list) values.extra->push_back(read_token(value, false));
}

TokenValue read_named_token(const Json& config, const TokenizerClass::NamedToken& named) {
  for (const char* key : {named.key, named.older_key}) {
    const auto found = config.find(key);
    if (found != config.end() && !found->is_null()) return read_token(*found, true);
  }
  return text_token(named.absent);
}

void append_own_tokens(const Json& config, const TokenizerClass& tokenizer_class, SpecialTokenValues& values) {
  if (!values.extra) values.extra.emplace();
  for (const std::string& own : tokenizer_class.own_tokens(ClassOptions(config))) {
    const auto same = [&](const TokenValue& value) { return value.token.content == own; };
    const bool known = std::any_of(values.extra->begin(), values.extra->end(), same) ||
                       std::any_of(values.model_specific.begin(), values.model_specific.end(), same);
    if (!known) values.extra->push_back(text_token(own));
  }
}

}  // namespace

Json read_tokenizer_config(const std::string& folder) {
  const auto read_if_there = [&](const char* name) {
    const std::string path = folder + "/" + name;
    Json json = std::filesystem::exists(path) ? read_json(path) : Json::object();
    if (!json.is_object()) throw Error(ErrorKind::kInvalidFile, name, "not an object");
    return json;
  };
  Json config = read_if_there("tokenizer_config.json");
  if (config.contains("added_tokens_decoder")) return config;
  const Json special_tokens = read_if_there("special_tokens_map.json");
  for (const auto& [key, value] : special_tokens.items()) {
    config[key] = value;
    if (value.is_object() && value.contains("content")) config[key]["special"] = true;
  }
  const Json added = read_if_there("added_tokens.json");
  if (added.empty()) return config;
  const auto is_special = [&](const std::string& content) {
    const auto same = [&](const Json& value) {
      return is_token(value) && read_token(value, true).token.content == content;
    };
    for (const char* role : kRoles) {
      if (config.contains(role) && same(config[role])) return true;
    }
    for (const char* key : {"extra_special_tokens", "additional_special_tokens"}) {
      if (config.contains(key) && std::any_of(config[key].begin(), config[key].end(), same)) return true;
    }
    return false;
  };
  for (const auto& [content, id] : added.items()) {
    if (!id.is_number_integer()) {
      throw Error(ErrorKind::kInvalidFile, "added_tokens.json", fmt::format("the id of '{}' is no number", content));
    }
    const bool special = is_special(content);
    config["added_tokens_decoder"][std::to_string(id.get<int64_t>())] = {
        {"content", content}, {"normalized", !special}, {"special", special}};
  }
  return config;
}

SpecialTokenValues read_special_token_values(const Json& config, const TokenizerClass* tokenizer_class) {
  SpecialTokenValues values;
  TokenizerClass::Tokens defaults{};
  if (tokenizer_class != nullptr) defaults = tokenizer_class->tokens;
  const char* const texts[] = {defaults.bos, defaults.eos, defaults.unk, defaults.sep,
                               defaults.pad, defaults.cls, defaults.mask};
  for (size_t i = 0; i < std::size(kRoles); ++i) {
    const auto found = config.find(kRoles[i]);
    if (found == config.end()) {
      if (texts[i] != nullptr) values.roles[i] = text_token(texts[i]);
    } else if (!found->is_null()) {
      values.roles[i] = read_token(*found, true);
    }
    if (values.roles[i] && values.roles[i]->text_only && tokenizer_class != nullptr &&
        tokenizer_class->tokens_take_space) {
      values.roles[i]->token.lstrip = values.roles[i]->token.rstrip = true;
    }
    if (i == kMask && values.roles[i] && values.roles[i]->text_only && tokenizer_class != nullptr) {
      values.roles[i]->token.lstrip = tokenizer_class->mask_takes_space;
      values.roles[i]->token.normalized = tokenizer_class->mask_is_normalized;
    }
  }
  std::vector<std::string_view> known(std::begin(kRoles), std::end(kRoles));
  if (tokenizer_class != nullptr) {
    for (const TokenizerClass::NamedToken& named : tokenizer_class->named_tokens) {
      values.model_specific.push_back(read_named_token(config, named));
      known.push_back(named.key);
    }
  }
  for (const auto& [key, value] : config.items()) {
    const bool is_known = std::find(known.begin(), known.end(), key) != known.end();
    if (key.ends_with("_token") && !is_known && is_token(value))
      values.model_specific.push_back(read_token(value, true));
  }
  read_extra(config, values);
  if (tokenizer_class != nullptr && tokenizer_class->extra_tokens == TokenizerClass::ExtraTokens::kBeforeOwn) {
    append_own_tokens(config, *tokenizer_class, values);
  }
  if (const auto found = config.find("added_tokens_decoder"); found != config.end() && found->is_object()) {
    for (const auto& [id, value] : found->items()) {
      AddedToken token = read_token(value, false).token;
      token.id = read_id(id);
      values.added.push_back(std::move(token));
    }
  }
  std::sort(values.added.begin(), values.added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return values;
}

SpecialTokens SpecialTokenValues::special_tokens() const {
  SpecialTokens tokens;
  std::optional<std::string>* const slots[] = {&tokens.bos_token, &tokens.eos_token, &tokens.unk_token,
                                               &tokens.sep_token, &tokens.pad_token, &tokens.cls_token,
                                               &tokens.mask_token};
  for (size_t i = 0; i < std::size(slots); ++i) {
    if (roles[i]) *slots[i] = roles[i]->token.content;
  }
  if (extra) {
    for (const TokenValue& value : *extra) tokens.additional_special_tokens.push_back(value.token.content);
  }
  return tokens;
}

std::vector<AddedToken> tokens_to_add(const SpecialTokenValues& values, std::vector<TokenValue> pieces) {
  std::vector<TokenValue> named;
  for (const auto& role : values.roles) {
    if (role) named.push_back(*role);
  }
  named.insert(named.end(), values.model_specific.begin(), values.model_specific.end());
  const auto has_content = [](const std::string& content) {
    return [&content](const TokenValue& value) { return value.token.content == content; };
  };

  std::vector<TokenValue> tokens;
  for (const AddedToken& token : values.added) tokens.push_back({token, false});
  const size_t added = tokens.size();
  const auto append = [&](const TokenValue& value) {
    const auto end = tokens.begin() + static_cast<ptrdiff_t>(added);
    if (std::any_of(tokens.begin(), end, has_content(value.token.content))) return;
    if (std::find(tokens.begin(), tokens.end(), value) == tokens.end()) tokens.push_back(value);
  };
  for (const TokenValue& value : named) append(value);
  for (const TokenValue& value : values.extra ? *values.extra : pieces) append(value);

  std::vector<AddedToken> result;
  for (TokenValue& value : tokens) {
    if (std::any_of(named.begin(), named.end(), has_content(value.token.content))) value.token.special = true;
    result.push_back(std::move(value.token));
  }
  return result;
}

}  // namespace imago::tokenizers
