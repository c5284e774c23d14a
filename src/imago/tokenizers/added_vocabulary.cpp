#include "imago/tokenizers/added_vocabulary.h"

#include <algorithm>

#include "imago/base/unicode.h"
#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

void StringMatcher::add(std::string_view text, int32_t id) {
  if (text.empty()) return;
  only_first_ = empty() || only_first_ == text[0] ? std::optional(text[0]) : std::nullopt;
  int32_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto [child, is_new] =
        children_.try_emplace(static_cast<uint64_t>(node) << 8 | byte, static_cast<int32_t>(nodes_.size()));
    if (is_new) nodes_.push_back(kNone);
    node = child->second;
    if (i == 0) first_[byte] = node;
  }
  nodes_[static_cast<size_t>(node)] = id;
}

std::optional<StringMatcher::Match> StringMatcher::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (only_first_ && (begin = text.find(*only_first_, begin)) == std::string_view::npos) break;
    if (const auto match = match_at(text, begin)) return match;
  }
  return std::nullopt;
}

std::optional<StringMatcher::Match> StringMatcher::match_at(std::string_view text, size_t begin) const {
  int32_t node = first_[static_cast<unsigned char>(text[begin])];
  if (node == kNone) return std::nullopt;
  std::optional<Match> longest;
  for (size_t end = begin + 1;; ++end) {
    if (nodes_[static_cast<size_t>(node)] != kNone) longest = {begin, end, nodes_[static_cast<size_t>(node)]};
    if (end >= text.size()) return longest;
    const auto child = children_.find(static_cast<uint64_t>(node) << 8 | static_cast<unsigned char>(text[end]));
    if (child == children_.end()) return longest;
    node = child->second;
  }
}

size_t AddedVocabulary::add(std::span<const AddedToken> tokens, const Model& model, const Normalizer* normalizer) {
  size_t added = 0;
  const auto model_size = static_cast<int32_t>(model.vocab_size());
  int32_t next_id = model_size;
  if (!by_id_.empty()) {
    const int32_t largest = by_id_.rbegin()->first;
    if (largest >= model_size || model_size == 0) next_id = largest + 1;
  }
  for (AddedToken token : tokens) {
    if (token.content.empty()) continue;
    if (const auto known = by_content_.find(token.content); known != by_content_.end()) {
      token.id = known->second;
      const auto same = by_id_.find(token.id);
      if (same != by_id_.end() && same->second == token) continue;
    } else {
      const int32_t in_model = model.vocabulary().find(token.content);
      token.id = in_model != Vocabulary::kNone ? in_model : next_id++;
    }
    if (token.normalized && normalizer != nullptr) {
      NormalizedString string(token.content, 0, false);
      normalizer->normalize(string);
      if (string.text() != token.content) normalized_[token.id] = std::string(string.text());
    }
    if (token.special) special_.insert(token.content);
    by_content_[token.content] = token.id;
    by_id_[token.id] = token;
    ++added;
  }
  matchers_ = {};
  for (const auto& [id, token] : by_id_) {
    const auto normalized = normalized_.find(id);
    const bool use_normalized = token.normalized && normalized != normalized_.end();
    matchers_[token.normalized].add(use_normalized ? normalized->second : token.content, id);
  }
  return added;
}

std::optional<int32_t> AddedVocabulary::token_to_id(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? std::nullopt : std::optional(found->second);
}

const std::string* AddedVocabulary::id_to_token(int32_t id) const {
  const auto token = by_id_.find(id);
  if (token == by_id_.end()) return nullptr;
  const auto normalized = normalized_.find(id);
  return normalized == normalized_.end() ? &token->second.content : &normalized->second;
}

namespace {

bool ends_with_word(std::string_view text) {
  if (text.empty()) return false;
  size_t last = text.size() - 1;
  while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return is_word(decode_utf8(text.substr(last)).code_point);
}

bool starts_with_word(std::string_view text) { return !text.empty() && is_word(decode_utf8(text).code_point); }

bool is_space(char32_t c, bool python) { return is_white_space(c) || (python && c >= 0x1C && c <= 0x1F); }

// Where the white space at the end of text[from, end) begins.
size_t skip_spaces_back(std::string_view text, size_t from, size_t end, bool python) {
  while (end > from) {
    size_t last = end - 1;
    while (last > from && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_space(decode_utf8(text.substr(last)).code_point, python)) break;
    end = last;
  }
  return end;
}

size_t skip_spaces(std::string_view text, size_t at, bool python) {
  while (at < text.size()) {
    const DecodedCharacter character = decode_utf8(text.substr(at));
    if (!is_space(character.code_point, python)) break;
    at += static_cast<size_t>(character.size);
  }
  return at;
}

}  // namespace

std::vector<AddedVocabulary::Range> AddedVocabulary::find(std::string_view text, bool normalized, bool parse_special,
                                                          const Refusal& refused) const {
  std::vector<Range> ranges;
  const StringMatcher& matcher = matchers_[normalized];
  size_t done = 0;
  const auto add = [&](size_t begin, size_t end, std::optional<int32_t> id) {
    ranges.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), id});
  };
  if (!matcher.empty()) {
    size_t from = 0;
    while (const auto match = matcher.find(text, from)) {
      from = match->end;
      const AddedToken& token = by_id_.at(match->id);
      if (!parse_special && special_.contains(token.content)) continue;
      if (refused && refused(token, match->begin, match->end)) {
        from = match->begin + 1;  // a token that begins within the refused one is not that one's to take away
        continue;
      }
      if (token.single_word &&
          (ends_with_word(text.substr(0, match->begin)) || starts_with_word(text.substr(match->end)))) {
        continue;
      }
      // White space that a match to the left has taken is its own. (A match can begin in it, too.)
      const size_t begin =
          token.lstrip
              ? std::max(skip_spaces_back(text, std::min(done, match->begin), match->begin, python_spaces_), done)
              : match->begin;
      const size_t end = token.rstrip ? skip_spaces(text, match->end, python_spaces_) : match->end;
      if (done < begin) add(done, begin, std::nullopt);
      add(begin, end, match->id);
      done = end;
    }
  }
  if (done < text.size()) add(done, text.size(), std::nullopt);
  return ranges;
}

}  // namespace imago::tokenizers
