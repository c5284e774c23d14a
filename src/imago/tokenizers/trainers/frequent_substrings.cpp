#include "imago/tokenizers/trainers/frequent_substrings.h"

#include <algorithm>

#include "imago/base/error.h"

namespace imago::tokenizers {
namespace {

constexpr char32_t kEnd = 0;  // behind each word
// Suffixes are compared by their first three characters at once, each of which takes 21 bits.
constexpr size_t kKeyCharacters = 3;

struct Suffix {
  uint64_t key;
  uint32_t begin;
};

struct Candidate {
  uint32_t score, begin, length;
};

std::u32string join(std::span<const std::u32string> words) {
  std::u32string text;
  for (const std::u32string& word : words) {
    if (word.empty()) continue;
    text += word;
    text += kEnd;
  }
  // The key of the last suffix looks beyond the end.
  text.append(kKeyCharacters, kEnd);
  if (text.size() > UINT32_MAX) {
    throw Error(ErrorKind::kLimitExceeded, "UnigramTrainer", "the different words of the text are more than 4 GiB",
                "give the tokenizer a pre_tokenizer that cuts text into words");
  }
  return text;
}

// How many characters two suffixes have in common, the end of a word among them, but at most `limit`.
size_t common_prefix(const std::u32string& text, uint32_t a, uint32_t b, size_t limit) {
  for (size_t i = 0; i < limit; ++i) {
    if (text[a + i] != text[b + i]) return i;
    if (text[a + i] == kEnd) return i + 1;
  }
  return limit;
}

// The suffixes of all words in order, compared by their first `limit` characters: repetitive text would make a full
// comparison quadratic, and longer substrings are not wanted.
std::vector<Suffix> sort_suffixes(const std::u32string& text, size_t limit) {
  std::vector<Suffix> suffixes;
  for (size_t i = 0; i + kKeyCharacters < text.size(); ++i) {
    if (text[i] == kEnd) continue;
    uint64_t key = 0;
    bool ended = false;
    for (size_t k = 0; k < kKeyCharacters; ++k) {
      ended = ended || text[i + k] == kEnd;
      key = key << 21 | (ended ? kEnd : text[i + k]);
    }
    suffixes.push_back({key, static_cast<uint32_t>(i)});
  }
  std::sort(suffixes.begin(), suffixes.end(), [&](const Suffix& a, const Suffix& b) {
    if (a.key != b.key) return a.key < b.key;
    const size_t common = common_prefix(text, a.begin, b.begin, limit);
    const bool same = common == limit || text[a.begin + common - (common > 0)] == kEnd;
    return !same && text[a.begin + common] < text[b.begin + common];
  });
  return suffixes;
}

// The inner nodes of the tree that sorted suffixes stand for.
std::vector<Candidate> inner_nodes(const std::u32string& text, const std::vector<Suffix>& suffixes, size_t max_length) {
  struct Open {
    size_t first;  // suffix
    size_t depth;
  };
  std::vector<Open> open{{0, 0}};
  std::vector<Candidate> nodes;
  for (size_t i = 1; i <= suffixes.size(); ++i) {
    const size_t depth =
        i == suffixes.size() ? 0 : common_prefix(text, suffixes[i - 1].begin, suffixes[i].begin, max_length + 1);
    size_t first = i - 1;
    while (open.back().depth > depth) {
      const Open node = open.back();
      open.pop_back();
      first = node.first;
      const uint32_t begin = suffixes[first].begin;
      const bool whole = text[begin + node.depth - 1] == kEnd;
      if (node.depth < 2 || node.depth > max_length || whole) continue;
      const auto length = static_cast<uint32_t>(node.depth);
      nodes.push_back({static_cast<uint32_t>(i - first) * length, begin, length});
    }
    if (open.back().depth < depth) open.push_back({first, depth});
  }
  return nodes;
}

}  // namespace

std::vector<FrequentSubstring> frequent_substrings(std::span<const std::u32string> words, size_t max_length,
                                                   size_t max_count) {
  const std::u32string text = join(words);
  std::vector<Candidate> nodes = inner_nodes(text, sort_suffixes(text, max_length + 1), max_length);
  const auto view = [&](const Candidate& node) { return std::u32string_view(text).substr(node.begin, node.length); };
  std::sort(nodes.begin(), nodes.end(), [&](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : view(a) > view(b);
  });
  if (nodes.size() > max_count) nodes.resize(max_count);
  std::vector<FrequentSubstring> result;
  result.reserve(nodes.size());
  for (const Candidate& node : nodes) result.push_back({std::u32string(view(node)), node.score});
  return result;
}

}  // namespace imago::tokenizers
