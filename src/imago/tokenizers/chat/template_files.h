// The chat templates of a model folder.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/json.h"

namespace imago::chat {

// Sources by name: one model may have several ("default", "tool_use", "rag").
class TemplateFiles {
 public:
  // Of a model folder, as Transformers 5 reads it: chat_template.jinja and additional_chat_templates/*.jinja before the
  // "chat_template" of tokenizer_config.json (a text, or a list of {"name", "template"}), and that before
  // chat_template.json. Or of one file: a .jinja template, or a JSON file with a "chat_template".
  // Throws Error kNotFound where there is no template, kInvalidFile, kIo, kLimitExceeded.
  static TemplateFiles load(const std::string& path);

  // The source to use: `name` if given, else "tool_use" where tools are given and it exists, else "default".
  // Throws Error kNotFound, naming those that there are.
  const std::string& select(std::string_view name = {}, bool has_tools = false) const;

  const std::vector<std::pair<std::string, std::string>>& templates() const { return templates_; }

 private:
  void add(std::string name, std::string source);
  bool add_from_json(const std::string& path);
  bool add_from_gguf(const std::string& path);
  bool add_from_jinja_files(const std::string& folder);

  std::string path_;
  std::vector<std::pair<std::string, std::string>> templates_;
};

// The variables bos_token, eos_token, ... of a model folder's templates: a JSON object of texts, from
// tokenizer_config.json and special_tokens_map.json; empty where there are none.
Json special_token_variables(const std::string& folder);

}  // namespace imago::chat
