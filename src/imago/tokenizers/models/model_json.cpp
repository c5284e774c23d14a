#include "imago/tokenizers/models/model_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

#include "imago/base/error.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/models/unigram.h"
#include "imago/tokenizers/models/word_level.h"
#include "imago/tokenizers/models/word_piece.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// The members of the model's object, each to be asked for once.
class ModelJson {
 public:
  explicit ModelJson(object members) : members_(members) {
    std::string_view type;
    if (!members["type"].get(type)) type_ = type;
    // Files of early versions have no type: the members tell it.
    else if (has("merges"))
      type_ = "BPE";
    else if (has("max_input_chars_per_word"))
      type_ = "WordPiece";
    else if (members["vocab"].is_array())
      type_ = "Unigram";
    else
      type_ = "WordLevel";
    read_.push_back("type");
  }

  const std::string& type() const { return type_; }
  [[noreturn]] void fail(std::string_view what) const { throw Error(ErrorKind::kInvalidFile, "model " + type_, what); }
  bool has(std::string_view name) const { return !members_[name].error(); }

  // False when absent or null.
  bool find(std::string_view name, element& value) {
    read_.emplace_back(name);
    return !members_[name].get(value) && !value.is_null();
  }
  template <class Value>
  Value required(std::string_view name, std::string_view kind) {
    element member;
    Value value{};
    if (!find(name, member)) fail("the member '" + std::string(name) + "' is missing");
    if (member.get(value)) fail("the member '" + std::string(name) + "' is no " + std::string(kind));
    return value;
  }
  template <class Value>
  std::optional<Value> optional(std::string_view name, std::string_view kind) {
    element member;
    if (!find(name, member)) return std::nullopt;
    return required<Value>(name, kind);
  }
  std::optional<std::string> optional_string(std::string_view name) {
    const auto text = optional<std::string_view>(name, "string");
    return text ? std::optional<std::string>(*text) : std::nullopt;
  }

  Vocabulary vocabulary() {
    const object entries = required<object>("vocab", "object");
    Vocabulary vocabulary;
    vocabulary.reserve(entries.size(), entries.size() * 8);
    // Entries are added some way behind where they are read, so that their places in the table are in the cache by
    // then.
    struct Entry {
      std::string_view token;
      uint64_t hash;
      int32_t id;
    };
    std::array<Entry, 32> waiting;
    size_t read = 0;
    const auto add = [&](const Entry& entry) { vocabulary.add(entry.token, entry.id, entry.hash); };
    for (const auto& [token, value] : entries) {
      int64_t id = 0;
      if (value.get(id) || id < 0 || id > INT32_MAX) fail("the id of '" + std::string(token) + "' is no number");
      Entry& entry = waiting[read % waiting.size()];
      if (read++ >= waiting.size()) add(entry);
      entry = {token, hash_bytes(token.data(), token.size()), static_cast<int32_t>(id)};
      vocabulary.prefetch(entry.hash);
    }
    for (size_t i = read - std::min(read, waiting.size()); i < read; ++i) add(waiting[i % waiting.size()]);
    return vocabulary;
  }

  void done() const {
    for (const auto& [name, value] : members_) {
      if (std::find(read_.begin(), read_.end(), name) == read_.end()) {
        throw Error(ErrorKind::kUnsupported, "model " + type_, "the member '" + std::string(name) + "' is unknown",
                    "it may come from a newer version of the format");
      }
    }
  }

 private:
  object members_;
  std::string type_;
  std::vector<std::string> read_;
};

using Merge = std::pair<std::string_view, std::string_view>;

// A merge of older files: two tokens with a space between. Where tokens hold spaces themselves, the one way to read it
// in which all are tokens.
Merge read_merge_line(const ModelJson& json, std::string_view line, const Vocabulary& vocabulary) {
  const size_t first = line.find(' ');
  if (first != std::string_view::npos && line.find(' ', first + 1) == std::string_view::npos) {
    return {line.substr(0, first), line.substr(first + 1)};
  }
  const auto is_token = [&](std::string_view text) { return vocabulary.find(text) != Vocabulary::kNone; };
  std::vector<Merge> readings;
  for (size_t space = first; space != std::string_view::npos; space = line.find(' ', space + 1)) {
    const std::string_view left = line.substr(0, space), right = line.substr(space + 1);
    if (is_token(left) && is_token(right) && is_token(std::string(left) + std::string(right))) {
      readings.emplace_back(left, right);
    }
  }
  if (readings.size() != 1) json.fail("the merge '" + std::string(line) + "' is not two tokens with a space between");
  return readings[0];
}

std::vector<Merge> read_merges(ModelJson& json, const Vocabulary& vocabulary) {
  const array entries = json.required<array>("merges", "array");
  std::vector<Merge> merges;
  merges.reserve(entries.size());
  for (element entry : entries) {
    std::string_view line;
    array pair;
    if (!entry.get(line)) {
      if (!line.starts_with("#version")) merges.push_back(read_merge_line(json, line, vocabulary));
    } else {
      std::string_view left, right;
      if (entry.get(pair) || pair.size() != 2 || pair.at(0).get(left) || pair.at(1).get(right)) {
        json.fail("a merge is not two tokens");
      }
      merges.emplace_back(left, right);
    }
  }
  return merges;
}

// The number as the reference's parser reads it: its digits as one integer, scaled by a power of ten. For 17 digits
// that is not always the nearest double, and scores must be the same.
double as_reference_reads(double value) {
  char buffer[32];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  uint64_t digits = 0;
  int fraction = 0, exponent = 0;
  const char* p = buffer;
  const bool negative = *p == '-';
  bool behind_point = false;
  for (p += negative; p < end && *p != 'e'; ++p) {
    if (*p == '.') {
      behind_point = true;
      continue;
    }
    digits = digits * 10 + static_cast<uint64_t>(*p - '0');
    fraction += behind_point;
  }
  if (p == end) return value;  // infinity
  std::from_chars(p + 1 + (p[1] == '+'), end, exponent);
  exponent -= fraction;
  if (exponent < -300 || exponent > 300) return value;
  static const std::array<double, 301> kPowers = [] {
    std::array<double, 301> powers;
    for (size_t i = 0; i < powers.size(); ++i) powers[i] = std::strtod(("1e" + std::to_string(i)).c_str(), nullptr);
    return powers;
  }();
  double scaled = static_cast<double>(digits);
  scaled = exponent >= 0 ? scaled * kPowers[static_cast<size_t>(exponent)]
                         : scaled / kPowers[static_cast<size_t>(-exponent)];
  return negative ? -scaled : scaled;
}

std::unique_ptr<Model> read_bpe(ModelJson& json) {
  BpeOptions options;
  if (const auto dropout = json.optional<double>("dropout", "number")) options.dropout = static_cast<float>(*dropout);
  options.unk_token = json.optional_string("unk_token");
  options.continuing_subword_prefix = json.optional_string("continuing_subword_prefix");
  options.end_of_word_suffix = json.optional_string("end_of_word_suffix");
  options.fuse_unk = json.optional<bool>("fuse_unk", "boolean").value_or(false);
  options.byte_fallback = json.optional<bool>("byte_fallback", "boolean").value_or(false);
  options.ignore_merges = json.optional<bool>("ignore_merges", "boolean").value_or(false);
  Vocabulary vocabulary = json.vocabulary();
  const size_t prefix_size = options.continuing_subword_prefix.value_or("").size();
  const std::vector<MergeRule> merges = Bpe::resolve_merges(vocabulary, read_merges(json, vocabulary), prefix_size);
  return std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
}

std::unique_ptr<Model> read_word_piece(ModelJson& json) {
  WordPiece::Options options;
  options.unk_token = json.required<std::string_view>("unk_token", "string");
  options.continuing_subword_prefix = json.required<std::string_view>("continuing_subword_prefix", "string");
  options.max_input_chars_per_word = json.required<uint64_t>("max_input_chars_per_word", "number");
  return std::make_unique<WordPiece>(std::move(options), json.vocabulary());
}

std::unique_ptr<Model> read_word_level(ModelJson& json) {
  std::string unk_token(json.required<std::string_view>("unk_token", "string"));
  return std::make_unique<WordLevel>(json.vocabulary(), std::move(unk_token));
}

std::unique_ptr<Model> read_unigram(ModelJson& json) {
  const array entries = json.required<array>("vocab", "array");
  std::vector<Unigram::Piece> pieces;
  pieces.reserve(entries.size());
  for (element entry : entries) {
    array pair;
    Unigram::Piece piece;
    if (entry.get(pair) || pair.size() != 2 || pair.at(0).get(piece.text) || pair.at(1).get(piece.score)) {
      json.fail("an entry of 'vocab' is not a token and its score");
    }
    piece.score = as_reference_reads(piece.score);
    pieces.push_back(piece);
  }
  std::optional<int32_t> unk_id;
  if (const auto id = json.optional<uint64_t>("unk_id", "number")) {
    unk_id = static_cast<int32_t>(std::min<uint64_t>(*id, INT32_MAX));
  }
  return std::make_unique<Unigram>(pieces, unk_id, json.optional<bool>("byte_fallback", "boolean").value_or(false));
}

}  // namespace

std::unique_ptr<Model> read_model(element element) {
  object members;
  if (element.get(members)) throw Error(ErrorKind::kInvalidFile, "model", "not an object");
  ModelJson json(members);
  std::unique_ptr<Model> model;
  if (json.type() == "BPE") {
    model = read_bpe(json);
  } else if (json.type() == "WordPiece") {
    model = read_word_piece(json);
  } else if (json.type() == "WordLevel") {
    model = read_word_level(json);
  } else if (json.type() == "Unigram") {
    model = read_unigram(json);
  } else {
    throw Error(ErrorKind::kUnsupported, "model", "the type '" + json.type() + "' is unknown");
  }
  json.done();
  return model;
}

}  // namespace imago::tokenizers
