// Reading a stage's object in tokenizer.json strictly: a member that is missing, of the wrong kind or unknown is an
// error that names the stage, because whatever it would have meant changes token ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"

namespace imago::tokenizers {

class StageJson {
 public:
  // `kind` is "normalizer", "decoder" and the like.
  StageJson(const Json& json, std::string_view kind);

  const std::string& type() const { return type_; }
  const std::string& where() const { return where_; }

  bool boolean(std::string_view name);
  bool boolean(std::string_view name, bool absent);
  std::optional<bool> optional_boolean(std::string_view name);
  size_t size(std::string_view name);
  size_t size(std::string_view name, size_t absent);
  int32_t token_id(std::string_view name);
  const std::string& string(std::string_view name);
  char32_t character(std::string_view name);                 // a string of one character
  std::vector<const Json*> elements(std::string_view name);  // of an array
  const Json& object(std::string_view name);
  bool has(std::string_view name) const;
  const Json* find(std::string_view name);  // null when absent or null

  // Throws Error kUnsupported when there is a member that nobody asked for.
  void done() const;

  [[noreturn]] void fail(std::string_view what) const;  // Error kInvalidFile

 private:
  const Json& member(std::string_view name, std::string_view kind);

  const Json& json_;
  std::string type_;
  std::string where_;
  std::vector<std::string> read_;
};

// Sequences may be nested, but not so deep that reading them exhausts the stack.
class NestingGuard {
 public:
  explicit NestingGuard(std::string_view where);
  ~NestingGuard();
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;
};

int32_t to_token_id(const Json& json, std::string_view where);

}  // namespace imago::tokenizers
