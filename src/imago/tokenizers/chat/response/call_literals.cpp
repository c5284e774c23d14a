// Calls whose arguments are literals of Python, or of Gemma's own notation.
#include <cctype>
#include <charconv>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/response/call_syntax.h"
#include "imago/tokenizers/chat/response/layout.h"

namespace imago::chat {
namespace {

constexpr int kMaxNesting = 64;

// Thrown where the text is not in the notation, and caught at the door.
struct NotInNotation {};

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : rest_(text) {}
  virtual ~LiteralReader() = default;

  void skip_space() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0])) != 0) rest_.remove_prefix(1);
  }
  bool at(std::string_view text) const { return rest_.starts_with(text); }
  bool take(std::string_view text) {
    if (!at(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) {
    skip_space();
    if (!take(text)) throw NotInNotation{};
  }
  bool done() {
    skip_space();
    return rest_.empty();
  }
  // Letters, digits, and the characters that names of tools have.
  std::string name(std::string_view further = "_.-") {
    skip_space();
    size_t size = 0;
    auto fits = [&](char c) {
      auto byte = static_cast<unsigned char>(c);
      return byte >= 0x80 || std::isalnum(byte) != 0 || further.find(c) != std::string_view::npos;
    };
    while (size < rest_.size() && fits(rest_[size])) ++size;
    if (size == 0) throw NotInNotation{};
    std::string result(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return result;
  }

  Json value(int depth) {
    if (depth > kMaxNesting) throw NotInNotation{};
    skip_space();
    Json string;
    if (take_string(string)) return string;
    if (take("[")) return list(depth, "]");
    if (take("(")) return list(depth, ")");
    if (take("{")) return dict(depth);
    return scalar();
  }

  Json dict(int depth) {
    Json result = Json::object();
    skip_space();
    while (!take("}")) {
      std::string name = key();
      expect(":");
      result[name] = value(depth + 1);
      skip_space();
      if (!take(",") && !at("}")) throw NotInNotation{};
      skip_space();
    }
    return result;
  }

 protected:
  virtual bool take_string(Json& string) = 0;
  virtual std::string key() = 0;

  std::string_view rest_;

 private:
  Json list(int depth, std::string_view end) {
    Json result = Json::array();
    skip_space();
    while (!take(end)) {
      result.push_back(value(depth + 1));
      skip_space();
      if (!take(",") && !at(end)) throw NotInNotation{};
      skip_space();
    }
    return result;
  }

  Json scalar() {
    std::string word = name("_.-+");
    if (word == "True" || word == "true") return true;
    if (word == "False" || word == "false") return false;
    if (word == "None" || word == "null") return nullptr;
    try {
      return parse_json(word, "tool call");
    } catch (const Error&) {
      throw NotInNotation{};
    }
  }
};

class PythonReader final : public LiteralReader {
 public:
  using LiteralReader::LiteralReader;

 protected:
  bool take_string(Json& string) override {
    if (!at("'") && !at("\"")) return false;
    char quote = rest_[0];
    rest_.remove_prefix(1);
    std::string text;
    while (true) {
      if (rest_.empty()) throw NotInNotation{};
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == quote) break;
      if (c == '\\') {
        take_escape(text);
      } else {
        text += c;
      }
    }
    string = std::move(text);
    return true;
  }

  std::string key() override {
    Json string;
    skip_space();
    if (!take_string(string)) throw NotInNotation{};
    return string.get<std::string>();
  }

 private:
  void take_escape(std::string& text) {
    static constexpr std::string_view kNames = "\\'\"nrtbf/", kMeanings = "\\'\"\n\r\t\b\f/";
    if (rest_.empty()) throw NotInNotation{};
    char c = rest_[0];
    rest_.remove_prefix(1);
    if (size_t i = kNames.find(c); i != std::string_view::npos) {
      text += kMeanings[i];
    } else if (c == 'x' || c == 'u') {
      size_t digits = c == 'x' ? 2 : 4;
      uint32_t code = 0;
      if (rest_.size() < digits) throw NotInNotation{};
      auto [end, error] = std::from_chars(rest_.data(), rest_.data() + digits, code, 16);
      if (error != std::errc() || end != rest_.data() + digits) throw NotInNotation{};
      append_utf8(text, code);
      rest_.remove_prefix(digits);
    } else {
      text += {'\\', c};
    }
  }
};

class GemmaReader final : public LiteralReader {
 public:
  using LiteralReader::LiteralReader;

 protected:
  bool take_string(Json& string) override {
    static constexpr std::string_view kQuote = "<|\"|>";
    if (!take(kQuote)) return false;
    size_t end = rest_.find(kQuote);
    if (end == std::string_view::npos) throw NotInNotation{};
    string = std::string(rest_.substr(0, end));
    rest_.remove_prefix(end + kQuote.size());
    return true;
  }

  std::string key() override {
    Json string;
    skip_space();
    if (take_string(string)) return string.get<std::string>();
    return name("_.-$ ");
  }
};

ToolCall python_call(PythonReader& reader) {
  std::string name = reader.name();
  if (name.ends_with(".call")) name.resize(name.size() - 5);
  Json arguments = Json::object();
  reader.expect("(");
  reader.skip_space();
  while (!reader.take(")")) {
    std::string key = reader.name();
    reader.expect("=");
    arguments[key] = reader.value(0);
    reader.skip_space();
    if (!reader.take(",") && !reader.at(")")) throw NotInNotation{};
    reader.skip_space();
  }
  return {name, dump_json(arguments), ""};
}

}  // namespace

std::optional<std::vector<ToolCall>> parse_pythonic_calls(std::string_view body) try {
  PythonReader reader(trim(body));
  std::vector<ToolCall> calls;
  bool list = reader.take("[");
  while (!reader.done() && !reader.at("]")) {
    calls.push_back(python_call(reader));
    reader.skip_space();
    reader.take(",");
    reader.skip_space();
  }
  if (list) reader.expect("]");
  if (!reader.done() || calls.empty()) return std::nullopt;
  return calls;
} catch (const NotInNotation&) {
  return std::nullopt;
}

std::optional<std::vector<ToolCall>> parse_gemma_calls(std::string_view body) try {
  GemmaReader reader(trim(body));
  reader.expect("call:");
  std::string name = reader.name("_.-:");
  reader.expect("{");
  Json arguments = reader.dict(0);
  if (!reader.done()) return std::nullopt;
  return std::vector<ToolCall>{{name, dump_json(arguments), ""}};
} catch (const NotInNotation&) {
  return std::nullopt;
}

}  // namespace imago::chat
