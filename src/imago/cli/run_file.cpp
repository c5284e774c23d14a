#include "imago/cli/run_file.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"

namespace imago::cli {
namespace {

constexpr int64_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32, kMaxValues = 10'000;

[[noreturn]] void fail(const std::string& path, const YAML::Mark& mark, const std::string& what) {
  throw Error(ErrorKind::kInvalidFile, fmt::format("{}:{}", path, mark.line + 1), what);
}

template <class Number>
bool read_number(const std::string& text, Json& value) {
  Number number;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end || text.empty()) return false;
  value = number;
  return true;
}

Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true") return true;
  if (text == "false") return false;
  Json value;
  if (read_number<int64_t>(text, value) || read_number<double>(text, value)) return value;
  return text;
}

class Converter {
 public:
  explicit Converter(const std::string& path) : path_(path) {}

  Json operator()(const YAML::Node& node, int depth = 0) {
    // Aliases let a short file stand for any number of values.
    if (depth > kMaxDepth || ++values_ > kMaxValues) fail(path_, node.Mark(), "too many values, or nested too deep");
    switch (node.Type()) {
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (const YAML::Node& item : node) list.push_back((*this)(item, depth + 1));
        return list;
      }
      case YAML::NodeType::Map: {
        Json object = Json::object();
        for (const auto& member : node) object[member.first.as<std::string>()] = (*this)(member.second, depth + 1);
        return object;
      }
      // The tag of a quoted scalar is "!".
      case YAML::NodeType::Scalar: return node.Tag() == "!" ? Json(node.Scalar()) : plain_scalar(node.Scalar());
      default: return nullptr;
    }
  }

 private:
  const std::string& path_;
  int values_ = 0;
};

}  // namespace

void RunFile::set(const std::string& key, const std::string& text) {
  values[key] = plain_scalar(text);
  where[key] = "--" + key;
}

RunFile read_run_file(const std::string& path) {
  RunFile file{Json::object(), {}};
  Converter to_json(path);
  try {
    const YAML::Node document = YAML::Load(read_file(path, kMaxBytes));
    if (!document.IsMap()) fail(path, document.Mark(), "a run file is a mapping: one \"key: value\" a line");
    for (const auto& member : document) {
      const YAML::Node &key = member.first, &value = member.second;
      const auto name = key.as<std::string>();
      if (file.values.contains(name)) fail(path, key.Mark(), fmt::format("{} stands here a second time", name));
      file.values[name] = to_json(value);
      file.where[name] = fmt::format("{}:{}", path, key.Mark().line + 1);
    }
  } catch (const YAML::Exception& error) {
    fail(path, error.mark, error.msg);
  }
  return file;
}

}  // namespace imago::cli
