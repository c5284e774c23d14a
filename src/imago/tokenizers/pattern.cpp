#include "imago/tokenizers/pattern.h"

#include "imago/base/json.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/stage_json.h"

namespace imago::tokenizers {
namespace {

// {"String": ...} or {"Regex": ...}
const Json& read_pattern(StageJson& json) {
  const Json& pattern = json.object("pattern");
  if (pattern.size() != 1 || !(pattern.contains("Regex") || pattern.contains("String")) ||
      !pattern.begin()->is_string()) {
    json.fail("the pattern is neither a String nor a Regex");
  }
  return pattern;
}

}  // namespace

Pattern::Pattern(StageJson& json)
    : text_(read_pattern(json).begin()->get<std::string>()),
      is_regex_(json.object("pattern").contains("Regex")),
      regex_(is_regex_ ? Regex(text_) : Regex::literal(text_)) {}

void Pattern::write_member(JsonWriter& writer) const { writer.pattern(text_, is_regex_); }

Replacement::Replacement(StageJson& json) : pattern(json), content(json.string("content")) {}

void Replacement::write_json(JsonWriter& writer) const {
  writer.begin_stage("Replace");
  pattern.write_member(writer);
  writer.member("content", content);
  writer.end_object();
}

}  // namespace imago::tokenizers
