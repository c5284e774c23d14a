#include "imago/tokenizers/chat/template_files.h"

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/tokenizers/chat/limits.h"
#include "imago/tokenizers/legacy/gguf_vocabulary.h"

namespace imago::chat {
namespace {

namespace fs = std::filesystem;

std::string read_source(const fs::path& path) { return read_file(path.string(), kMaxTemplateSource); }

// A token is written as its text, or as an object with its flags.
std::string token_text(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  bool described = token.is_object() && token.contains("content") && token["content"].is_string();
  return described ? token["content"].get<std::string>() : "";
}

}  // namespace

void TemplateFiles::add(std::string name, std::string source) {
  templates_.emplace_back(std::move(name), std::move(source));
}

bool TemplateFiles::add_from_json(const std::string& path) {
  if (!fs::exists(path)) return false;
  Json config = read_json(path);
  if (!config.is_object() || !config.contains("chat_template") || config["chat_template"].is_null()) return false;
  const Json& entry = config["chat_template"];
  auto malformed = [&] {
    return Error(ErrorKind::kInvalidFile, path, "\"chat_template\" is neither a text nor a list of {name, template}");
  };
  if (entry.is_string()) {
    add("default", entry.get<std::string>());
    return true;
  }
  if (!entry.is_array()) throw malformed();
  for (const Json& named : entry) {
    if (!named.is_object() || !named.contains("name") || !named.contains("template") || !named["name"].is_string() ||
        !named["template"].is_string()) {
      throw malformed();
    }
    add(named["name"].get<std::string>(), named["template"].get<std::string>());
  }
  return !templates_.empty();
}

bool TemplateFiles::add_from_jinja_files(const std::string& folder) {
  if (fs::exists(fs::path(folder) / "chat_template.jinja")) {
    add("default", read_source(fs::path(folder) / "chat_template.jinja"));
  }
  fs::path further = fs::path(folder) / "additional_chat_templates";
  if (fs::is_directory(further)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(further)) {
      if (entry.path().extension() == ".jinja") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) add(file.stem().string(), read_source(file));
  }
  return !templates_.empty();
}

bool TemplateFiles::add_from_gguf(const std::string& path) {
  const MappedFile file = MappedFile::open(path);
  const std::optional<std::string> source = tokenizers::parse_gguf_vocabulary(file.text(), path).chat_template;
  if (source) add("default", *source);
  return source.has_value();
}

TemplateFiles TemplateFiles::load(const std::string& path) {
  TemplateFiles files;
  files.path_ = path;
  bool found = false;
  if (fs::is_directory(path)) {
    found = files.add_from_jinja_files(path) ||
            files.add_from_json((fs::path(path) / "tokenizer_config.json").string()) ||
            files.add_from_json((fs::path(path) / "chat_template.json").string());
  } else if (path.ends_with(".json")) {
    found = files.add_from_json(path);
  } else if (path.ends_with(".gguf")) {
    found = files.add_from_gguf(path);
  } else {
    files.add("default", read_source(path));
    found = true;
  }
  if (!found) {
    throw Error(ErrorKind::kNotFound, path, "there is no chat template",
                "a base model has none; give the path of a .jinja file");
  }
  return files;
}

const std::string& TemplateFiles::select(std::string_view name, bool has_tools) const {
  auto find = [&](std::string_view wanted) -> const std::string* {
    for (const auto& [known, source] : templates_) {
      if (known == wanted) return &source;
    }
    return nullptr;
  };
  const std::string* source = name.empty() ? nullptr : find(name);
  if (name.empty() && has_tools) source = find("tool_use");
  if (name.empty() && source == nullptr) source = find("default");
  if (source != nullptr) return *source;
  std::string names;
  for (const auto& [known, text] : templates_) names += (names.empty() ? "" : ", ") + known;
  std::string what =
      name.empty() ? "there is no default chat template" : "no chat template is named '" + std::string(name) + "'";
  throw Error(ErrorKind::kNotFound, path_, what, "choose one of: " + names);
}

Json special_token_variables(const std::string& folder) {
  Json variables = Json::object();
  if (folder.ends_with(".gguf")) {
    const MappedFile file = MappedFile::open(folder);
    const tokenizers::GgufVocabulary vocabulary = tokenizers::parse_gguf_vocabulary(file.text(), folder);
    const auto name = [&](const char* variable, std::optional<int32_t> id) {
      if (id) variables[variable] = std::string(vocabulary.tokens[static_cast<size_t>(*id)]);
    };
    name("bos_token", vocabulary.bos_token_id);
    name("eos_token", vocabulary.eos_token_id);
    name("unk_token", vocabulary.unknown_token_id);
    name("pad_token", vocabulary.padding_token_id);
    return variables;
  }
  // Later ones count: the tokenizer's own configuration over the old map.
  for (const char* file : {"special_tokens_map.json", "tokenizer_config.json"}) {
    fs::path path = fs::path(folder) / file;
    if (!fs::exists(path)) continue;
    Json config = read_json(path.string());
    if (!config.is_object()) throw Error(ErrorKind::kInvalidFile, path.string(), "is not a JSON object");
    for (const auto& [name, token] : config.items()) {
      if (!name.ends_with("_token")) continue;
      if (std::string text = token_text(token); !text.empty()) variables[name] = text;
    }
  }
  return variables;
}

}  // namespace imago::chat
