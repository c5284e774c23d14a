#include "imago/tokenizers/legacy/sentencepiece_processor.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/decoders/decoders.h"

namespace imago::tokenizers {
namespace {

constexpr std::string_view kSpaceSymbol = "\u2581", kReplacement = "\uFFFD";

size_t character_size(std::string_view text) { return static_cast<size_t>(decode_utf8(text).size); }

}  // namespace

SentencePieceProcessor::SentencePieceProcessor(SentencePieceModel model, std::string_view where)
    : model_(std::move(model)) {
  if (model_.kind == SentencePieceModel::Kind::kWord || model_.treat_whitespace_as_suffix) {
    throw Error(ErrorKind::kUnsupported, where, "a model of words, or with spaces behind words",
                "models of BPE, unigram and character kind with spaces before words are read");
  }
  if (!model_.precompiled_charsmap.empty()) character_map_ = CharacterMap(model_.precompiled_charsmap, where);
  min_score_ = std::numeric_limits<float>::max();
  max_score_ = std::numeric_limits<float>::lowest();
  bytes_.fill(Vocabulary::kNone);
  for (size_t i = 0; i < model_.pieces.size(); ++i) {
    const SentencePiece& piece = model_.pieces[i];
    const auto id = static_cast<int32_t>(i);
    using Type = SentencePiece::Type;
    const bool in_text = piece.type == Type::kNormal || piece.type == Type::kUserDefined || piece.type == Type::kUnused;
    (in_text ? pieces_ : reserved_).add(piece.text, id);
    if (in_text) longest_.add(piece.text);
    if (piece.type == Type::kUnknown) unk_id_ = id;
    if (piece.type == Type::kUserDefined) user_defined_.add(piece.text, id);
    if (piece.type == Type::kNormal) {
      min_score_ = std::min(min_score_, piece.score);
      max_score_ = std::max(max_score_, piece.score);
    }
  }
  if (unk_id_ < 0) throw Error(ErrorKind::kInvalidFile, where, "no piece is the unknown one");
  for (size_t byte = 0; byte < 256; ++byte) {
    const int32_t id = reserved_.find(fmt::format("<0x{:02X}>", byte));
    if (id != Vocabulary::kNone && type(id) == SentencePiece::Type::kByte) bytes_[byte] = id;
  }
}

int32_t SentencePieceProcessor::id_of(std::string_view name) const {
  if (const int32_t id = reserved_.find(name); id != Vocabulary::kNone) return id;
  const int32_t id = pieces_.find(name);
  return id != Vocabulary::kNone ? id : unk_id_;
}

// What stands for the front of the text, and how much of it that is: a user-defined piece for itself, the longest
// entry of the character map, or a character.
std::string_view SentencePieceProcessor::next_normalized(std::string_view rest, size_t& consumed) const {
  bool user_defined = false;
  consumed = first_unit(rest, user_defined);
  if (user_defined) return rest.substr(0, consumed);
  std::string_view replacement;
  if (const size_t size = character_map_.find_longest(rest, replacement); size > 0) {
    consumed = size;
    return replacement;
  }
  // An entry of the map that ends within a character leaves the rest of it behind.
  if (!is_valid_utf8(rest.substr(0, consumed))) {
    consumed = 1;
    return kReplacement;
  }
  return rest.substr(0, consumed);
}

std::string SentencePieceProcessor::normalize(std::string_view text, std::vector<Alignment>* from) const {
  const bool trims = model_.remove_extra_whitespaces;
  const std::string_view space = model_.escape_whitespaces ? kSpaceSymbol : std::string_view(" ");
  std::string result;
  if (from != nullptr) from->clear();
  size_t at = 0, consumed = 0;
  while (trims && at < text.size() && next_normalized(text.substr(at), consumed) == " ") at += consumed;
  if (at == text.size()) return result;

  result.reserve(text.size() + text.size() / 2 + space.size());
  const auto append = [&](std::string_view bytes, size_t begin, size_t end) {
    result += bytes;
    if (from != nullptr) {
      from->insert(from->end(), bytes.size(), {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
    }
  };
  if (model_.add_dummy_prefix) append(space, at, at);
  for (bool behind_space = trims; at < text.size(); at += consumed) {
    std::string_view part = next_normalized(text.substr(at), consumed);
    while (behind_space && part.starts_with(' ')) part.remove_prefix(1);
    for (size_t i = 0; i < part.size(); ++i) append(part[i] == ' ' ? space : part.substr(i, 1), at, at + consumed);
    if (!part.empty()) behind_space = trims && part.ends_with(' ');
  }
  while (trims && result.ends_with(space)) result.resize(result.size() - space.size());
  if (from != nullptr) from->resize(result.size());
  return result;
}

size_t SentencePieceProcessor::first_unit(std::string_view text, bool& user_defined) const {
  user_defined = false;
  if (!user_defined_.empty()) {
    const auto match = user_defined_.match_at(text, 0);
    user_defined = match.has_value();
    if (match) return match->end;
  }
  return character_size(text);
}

void SentencePieceProcessor::cut(std::string_view normalized, Emit emit) const {
  using Kind = SentencePieceModel::Kind;
  const std::vector<Cut> cuts = model_.kind == Kind::kUnigram ? best_path(normalized)
                                : model_.kind == Kind::kBpe   ? merged_pairs(normalized)
                                                              : characters(normalized);
  for (size_t i = 0; i < cuts.size(); ++i) {
    Cut piece = cuts[i];
    if (piece.id != unk_id_) {
      emit(normalized.substr(piece.begin, piece.end - piece.begin), piece.begin, piece.end);
      continue;
    }
    if (model_.byte_fallback) {
      for (uint32_t at = piece.begin; at < piece.end; ++at) {
        const int32_t id = bytes_[static_cast<unsigned char>(normalized[at])];
        emit(model_.pieces[static_cast<size_t>(id == Vocabulary::kNone ? unk_id_ : id)].text, piece.begin, piece.end);
      }
      continue;
    }
    while (i + 1 < cuts.size() && cuts[i + 1].id == unk_id_) piece.end = cuts[++i].end;
    emit(normalized.substr(piece.begin, piece.end - piece.begin), piece.begin, piece.end);
  }
}

std::string SentencePieceProcessor::decode(std::span<const std::string> names) const {
  std::string text, bytes;
  const auto write_bytes = [&] {
    for (std::string_view rest = bytes; !rest.empty();) {
      const DecodedCharacter character = decode_utf8(rest);
      const bool valid = is_valid_utf8(rest.substr(0, static_cast<size_t>(character.size)));
      text += valid ? rest.substr(0, static_cast<size_t>(character.size)) : kReplacement;
      rest.remove_prefix(valid ? static_cast<size_t>(character.size) : 1);  // one for each byte
    }
    bytes.clear();
  };
  bool may_begin_with_space = true, seen_space = false;
  for (const std::string& name : names) {
    const int32_t id = id_of(name);
    if (type(id) == SentencePiece::Type::kByte) {
      bytes += static_cast<char>(std::find(bytes_.begin(), bytes_.end(), id) - bytes_.begin());
      continue;
    }
    write_bytes();
    if (seen_space || !text.empty()) may_begin_with_space = false;
    seen_space = false;
    if (type(id) == SentencePiece::Type::kControl) continue;
    if (id == unk_id_) {
      text += model_.pieces[static_cast<size_t>(id)].text == name ? model_.unk_surface : name;
      continue;
    }
    std::string_view rest = name;
    if (may_begin_with_space && (model_.add_dummy_prefix || model_.remove_extra_whitespaces) &&
        rest.starts_with(kSpaceSymbol)) {
      rest.remove_prefix(kSpaceSymbol.size());
      seen_space = !model_.remove_extra_whitespaces;
    }
    text += replace_all(rest, kSpaceSymbol, " ");
  }
  write_bytes();
  return text;
}

}  // namespace imago::tokenizers
