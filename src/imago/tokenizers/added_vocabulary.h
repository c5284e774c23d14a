// Tokens that are found in the text as they are, before the model sees it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "imago/tokenizers/stages.h"
#include "imago/tokenizers/tokenizer.h"

namespace imago::tokenizers {

// Finds the leftmost match, and of those the longest, of a set of strings.
class StringMatcher {
 public:
  void add(std::string_view text, int32_t id);
  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    size_t begin, end;
    int32_t id;
  };
  // The first match at or behind `from`; nothing when there is none.
  std::optional<Match> find(std::string_view text, size_t from) const;
  // The longest match that begins at a byte.
  std::optional<Match> match_at(std::string_view text, size_t begin) const;

 private:
  static constexpr int32_t kNone = -1;
  std::array<int32_t, 256> first_ = [] {
    std::array<int32_t, 256> none;
    none.fill(kNone);
    return none;
  }();
  std::optional<char> only_first_;                  // when all texts begin with the same byte
  std::vector<int32_t> nodes_ = {kNone};            // the id that ends at a node
  std::unordered_map<uint64_t, int32_t> children_;  // (node, byte) to node
};

class AddedVocabulary {
 public:
  // Returns how many of the tokens were new or changed.
  size_t add(std::span<const AddedToken> tokens, const Model& model, const Normalizer* normalizer);

  // Ranges that cover the text, `id` set for those that are an added token. `normalized` chooses which tokens are
  // looked for; special ones are left alone unless `parse_special`, and those that are `refused` at their place.
  struct Range {
    uint32_t begin, end;
    std::optional<int32_t> id;
  };
  using Refusal = std::function<bool(const AddedToken& token, size_t begin, size_t end)>;
  std::vector<Range> find(std::string_view text, bool normalized, bool parse_special,
                          const Refusal& refused = {}) const;

  // White space beside a token is what Python's str.strip() takes: U+001C to U+001F, too.
  void use_python_spaces() { python_spaces_ = true; }

  bool empty() const { return by_id_.empty(); }
  bool has_matcher(bool normalized) const { return !matchers_[normalized].empty(); }
  std::optional<int32_t> token_to_id(std::string_view content) const;
  // As decoders want it: the normalized form of a token that is looked for in normalized text.
  const std::string* id_to_token(int32_t id) const;
  bool is_special(std::string_view token) const { return special_.contains(std::string(token)); }
  const std::map<int32_t, AddedToken>& tokens() const { return by_id_; }
  const std::unordered_map<std::string, int32_t>& ids() const { return by_content_; }

 private:
  std::map<int32_t, AddedToken> by_id_;
  std::unordered_map<std::string, int32_t> by_content_;
  std::unordered_map<int32_t, std::string> normalized_;  // where it differs from the content
  std::unordered_set<std::string> special_;
  bool python_spaces_ = false;
  std::array<StringMatcher, 2> matchers_;  // of the text as it is, of the normalized text
};

}  // namespace imago::tokenizers
