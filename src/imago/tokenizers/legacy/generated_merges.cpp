#include "imago/tokenizers/legacy/generated_merges.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "imago/base/error.h"

namespace imago::tokenizers {
namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

template <class MaySplitBefore>
std::vector<MergeRule> splits(const Vocabulary& vocabulary, std::string_view where, MaySplitBefore may_split_before,
                              bool by_parts) {
  if (vocabulary.max_token_size() > kMaxMergedTokenBytes) {
    throw Error(ErrorKind::kLimitExceeded, where,
                fmt::format("a token has {} bytes, more than {}", vocabulary.max_token_size(), kMaxMergedTokenBytes));
  }
  std::vector<MergeRule> rules;
  for (int32_t id = 0; id < vocabulary.id_limit(); ++id) {
    if (!vocabulary.contains_id(id)) continue;
    const std::string_view token = vocabulary.token(id);
    const size_t first = rules.size();
    for (size_t cut = 1; cut < token.size(); ++cut) {
      if (!may_split_before(token[cut])) continue;
      const int32_t left = vocabulary.find(token.substr(0, cut));
      if (left == Vocabulary::kNone) continue;
      const int32_t right = vocabulary.find(token.substr(cut));
      if (right != Vocabulary::kNone) rules.push_back({left, right, id});
    }
    if (by_parts) {
      std::sort(rules.begin() + static_cast<ptrdiff_t>(first), rules.end(), [](const MergeRule& a, const MergeRule& b) {
        return std::tie(a.left, a.right) < std::tie(b.left, b.right);
      });
    }
  }
  return rules;
}

}  // namespace

std::vector<MergeRule> merges_of_pieces(const Vocabulary& vocabulary, std::string_view where) {
  return splits(
      vocabulary, where, [](char next) { return !continues_character(next); }, false);
}

std::vector<MergeRule> merges_by_score(const Vocabulary& vocabulary, std::span<const float> scores,
                                       std::string_view where) {
  std::vector<MergeRule> rules = merges_of_pieces(vocabulary, where);
  std::stable_sort(rules.begin(), rules.end(), [&](const MergeRule& a, const MergeRule& b) {
    return scores[static_cast<size_t>(a.result)] > scores[static_cast<size_t>(b.result)];
  });
  return rules;
}

std::vector<MergeRule> merges_of_byte_strings(const Vocabulary& byte_strings, std::string_view where) {
  return splits(
      byte_strings, where, [](char) { return true; }, true);
}

}  // namespace imago::tokenizers
