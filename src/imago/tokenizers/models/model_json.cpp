#include "imago/tokenizers/models/model_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/models/unigram.h"
#include "imago/tokenizers/models/word_level.h"
#include "imago/tokenizers/models/word_piece.h"
#include "imago/tokenizers/stage_json.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {
namespace {

namespace ondemand = simdjson::ondemand;

// A merge, or the line of an older file that holds one: then the second part is
// null.
using Merge = std::pair<std::string_view, std::string_view>;

[[noreturn]] void fail(std::string_view what) { throw Error(ErrorKind::kInvalidFile, "model", what); }

Vocabulary read_vocabulary(ondemand::object entries) {
  Vocabulary vocabulary;
  const size_t count = entries.count_fields();
  vocabulary.reserve(count, count * 8);
  // Entries are added some way behind where they are read, so that their places
  // in the table are in the cache by then.
  struct Entry {
    std::string_view token;
    uint64_t hash;
    int32_t id;
  };
  std::array<Entry, 32> waiting;
  size_t read = 0;
  const auto add = [&](const Entry& entry) { vocabulary.add(entry.token, entry.id, entry.hash); };
  for (ondemand::field field : entries) {
    const std::string_view token = field.unescaped_key();
    int64_t id = 0;
    if (field.value().get(id) || id < 0 || id > INT32_MAX) fail("the id of '" + std::string(token) + "' is no number");
    Entry& entry = waiting[read % waiting.size()];
    if (read++ >= waiting.size()) add(entry);
    entry = {token, hash_bytes(token.data(), token.size()), static_cast<int32_t>(id)};
    vocabulary.prefetch(entry.hash);
  }
  for (size_t i = read - std::min(read, waiting.size()); i < read; ++i) add(waiting[i % waiting.size()]);
  return vocabulary;
}

// The number as the reference's parser reads it: its digits as one integer,
// scaled by a power of ten. For 17 digits that is not always the nearest
// double, and scores must be the same.
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

std::vector<Unigram::Piece> read_pieces(ondemand::array entries) {
  std::vector<Unigram::Piece> pieces;
  for (ondemand::value entry : entries) {
    Unigram::Piece piece{};
    size_t member = 0;
    for (ondemand::value part : entry.get_array()) {
      if (member == 0) piece.text = part.get_string();
      if (member == 1) piece.score = as_reference_reads(part.get_double());
      ++member;
    }
    if (member != 2) fail("an entry of 'vocab' is not a token and its score");
    pieces.push_back(piece);
  }
  return pieces;
}

std::vector<Merge> read_merges(ondemand::array entries, size_t file_bytes) {
  std::vector<Merge> merges;
  merges.reserve(file_bytes / 32);  // memory that is reserved and not touched costs nothing
  for (ondemand::value entry : entries) {
    const ondemand::json_type type = entry.type();
    if (type == ondemand::json_type::string) {
      const std::string_view line = entry.get_string();
      if (!line.starts_with("#version")) merges.emplace_back(line, std::string_view());
      continue;
    }
    std::array<std::string_view, 2> tokens;
    size_t count = 0;
    for (ondemand::value token : entry.get_array()) {
      const std::string_view text = token.get_string();
      if (count < tokens.size()) tokens[count] = text;
      ++count;
    }
    if (count != tokens.size()) fail("a merge is not two tokens");
    merges.emplace_back(tokens[0], tokens[1]);
  }
  return merges;
}

// The members of the model's object: the large ones as they are wanted, the
// others as a Json object.
struct ModelMembers {
  std::optional<Vocabulary> vocabulary;               // a "vocab" that is an object
  std::optional<std::vector<Unigram::Piece>> pieces;  // one that is a list
  std::optional<std::vector<Merge>> merges;
  Json others = Json::object();

  ModelMembers(ondemand::object members, size_t file_bytes) {
    for (ondemand::field field : members) {
      const std::string name(std::string_view(field.unescaped_key()));
      ondemand::value value = field.value();
      const ondemand::json_type type = value.type();
      const bool vocab = name == "vocab", merge_list = name == "merges";
      if ((vocab && (vocabulary || pieces)) || (merge_list && merges) || others.contains(name)) {
        fail("the member '" + name + "' stands twice");
      }
      if (vocab && type == ondemand::json_type::object) {
        vocabulary = read_vocabulary(value.get_object());
      } else if (vocab && type == ondemand::json_type::array) {
        pieces = read_pieces(value.get_array());
      } else if (merge_list && type == ondemand::json_type::array) {
        merges = read_merges(value.get_array(), file_bytes);
      } else {
        others[name] = parse_json(std::string_view(simdjson::to_json_string(value)), "model");
      }
    }
    // Files of early versions have no type: the members tell it.
    if (!others.contains("type")) {
      others["type"] = merges                                        ? "BPE"
                       : others.contains("max_input_chars_per_word") ? "WordPiece"
                       : pieces                                      ? "Unigram"
                                                                     : "WordLevel";
    }
  }

  Vocabulary take_vocabulary(const StageJson& json) {
    if (!vocabulary) json.fail("the member 'vocab' is missing or no object");
    return std::move(*vocabulary);
  }
};

const Json* member_of_kind(StageJson& json, std::string_view name, bool (Json::*is_kind)() const, const char* kind) {
  const Json* member = json.find(name);
  if (member != nullptr && !(member->*is_kind)()) {
    json.fail("the member '" + std::string(name) + "' is no " + kind);
  }
  return member;
}

std::optional<std::string> optional_string(StageJson& json, std::string_view name) {
  const Json* member = member_of_kind(json, name, &Json::is_string, "string");
  return member == nullptr ? std::nullopt : std::optional(member->get<std::string>());
}

// A merge of older files: two tokens with a space between. Where tokens hold
// spaces themselves, the one way to read it in which all are tokens.
Merge read_merge_line(std::string_view line, const Vocabulary& vocabulary) {
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
  if (readings.size() != 1) fail("the merge '" + std::string(line) + "' is not two tokens with a space between");
  return readings[0];
}

std::unique_ptr<Model> read_bpe(StageJson& json, ModelMembers& members) {
  BpeOptions options;
  if (const Json* dropout = member_of_kind(json, "dropout", &Json::is_number, "number"))
    options.dropout = dropout->get<float>();
  options.unk_token = optional_string(json, "unk_token");
  options.continuing_subword_prefix = optional_string(json, "continuing_subword_prefix");
  options.end_of_word_suffix = optional_string(json, "end_of_word_suffix");
  options.fuse_unk = json.boolean("fuse_unk", false);
  options.byte_fallback = json.boolean("byte_fallback", false);
  options.ignore_merges = json.boolean("ignore_merges", false);
  Vocabulary vocabulary = members.take_vocabulary(json);
  if (!members.merges) json.fail("the member 'merges' is missing or no array");
  for (Merge& merge : *members.merges) {
    if (merge.second.data() == nullptr) merge = read_merge_line(merge.first, vocabulary);
  }
  const size_t prefix_size = options.continuing_subword_prefix.value_or("").size();
  const std::vector<MergeRule> merges = Bpe::resolve_merges(vocabulary, *members.merges, prefix_size);
  members.merges.reset();
  return std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
}

std::unique_ptr<Model> read_word_piece(StageJson& json, ModelMembers& members) {
  WordPiece::Options options;
  options.unk_token = json.string("unk_token");
  options.continuing_subword_prefix = json.string("continuing_subword_prefix");
  options.max_input_chars_per_word = json.size("max_input_chars_per_word");
  return std::make_unique<WordPiece>(std::move(options), members.take_vocabulary(json));
}

std::unique_ptr<Model> read_word_level(StageJson& json, ModelMembers& members) {
  return std::make_unique<WordLevel>(members.take_vocabulary(json), json.string("unk_token"));
}

std::unique_ptr<Model> read_unigram(StageJson& json, ModelMembers& members) {
  if (!members.pieces) json.fail("the member 'vocab' is missing or no array");
  std::optional<int32_t> unk_id;
  if (json.find("unk_id")) unk_id = static_cast<int32_t>(std::min<size_t>(json.size("unk_id"), INT32_MAX));
  return std::make_unique<Unigram>(*members.pieces, unk_id, json.boolean("byte_fallback", false));
}

}  // namespace

std::unique_ptr<Model> read_model(ondemand::value value, size_t file_bytes) {
  if (value.type() != ondemand::json_type::object) fail("not an object");
  ModelMembers members(value.get_object(), file_bytes);
  StageJson json(members.others, "model");
  std::unique_ptr<Model> model;
  if (json.type() == "BPE") {
    model = read_bpe(json, members);
  } else if (json.type() == "WordPiece") {
    model = read_word_piece(json, members);
  } else if (json.type() == "WordLevel") {
    model = read_word_level(json, members);
  } else if (json.type() == "Unigram") {
    model = read_unigram(json, members);
  } else {
    throw Error(ErrorKind::kUnsupported, "model", "the type '" + json.type() + "' is unknown");
  }
  if (members.merges) {
    throw Error(ErrorKind::kUnsupported, json.where(), "the member 'merges' is unknown",
                "it may come from a newer version of the format");
  }
  json.done();
  return model;
}

}  // namespace imago::tokenizers
