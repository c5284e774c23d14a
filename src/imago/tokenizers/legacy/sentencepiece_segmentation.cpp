// How models of each kind cut normalized text into pieces.
#include <algorithm>
#include <map>
#include <queue>

#include "imago/base/unicode.h"
#include "imago/tokenizers/legacy/sentencepiece_processor.h"

namespace imago::tokenizers {
namespace {

constexpr float kUnkPenalty = 10.0f;
constexpr float kUserDefinedMargin = 0.1f;
constexpr uint32_t kUnreached = UINT32_MAX;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

// Of all ways to cut the text the one with the highest total score. Sums are in single precision, which decides between
// ways that are nearly equal.
std::vector<SentencePieceProcessor::Cut> SentencePieceProcessor::best_path(std::string_view text) const {
  struct Node {
    float score = 0;
    uint32_t begin = kUnreached;  // of the last piece
    int32_t id = -1;
  };
  const auto size = static_cast<uint32_t>(text.size());
  std::vector<Node> nodes(text.size() + 1);
  const auto offer = [&](uint32_t begin, uint32_t end, int32_t id, float score) {
    Node& node = nodes[end];
    if (node.begin == kUnreached || score > node.score) node = {score, begin, id};
  };
  for (uint32_t begin = 0; begin < size;) {
    const std::string_view rest = text.substr(begin);
    const auto character = static_cast<uint32_t>(decode_utf8(rest).size);
    const uint32_t longest = std::min(size - begin, longest_.find(rest));
    const float before = nodes[begin].score;
    bool has_character = false;
    for (uint32_t length = character; length <= longest;) {
      const int32_t id = pieces_.find(rest.substr(0, length));
      if (id != Vocabulary::kNone && type(id) != SentencePiece::Type::kUnused) {
        // A user-defined piece is to win over everything that it covers.
        const float score = type(id) == SentencePiece::Type::kUserDefined
                                ? static_cast<float>(length) * max_score_ - kUserDefinedMargin
                                : model_.pieces[static_cast<size_t>(id)].score;
        offer(begin, begin + length, id, score + before);
        has_character = has_character || length == character;
      }
      do {
        ++length;
      } while (length < rest.size() && continues(rest[length]));
    }
    if (!has_character) {
      offer(begin, begin + character, unk_id_, min_score_ - kUnkPenalty + before);
    }
    begin += character;
  }
  std::vector<Cut> cuts;
  for (uint32_t end = size; end > 0; end = nodes[end].begin) cuts.push_back({nodes[end].begin, end, nodes[end].id});
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

std::vector<SentencePieceProcessor::Cut> SentencePieceProcessor::characters(std::string_view text) const {
  std::vector<Cut> cuts;
  bool user_defined = false;
  for (uint32_t begin = 0; begin < text.size(); begin = cuts.back().end) {
    const size_t size = first_unit(text.substr(begin), user_defined);
    cuts.push_back({begin, static_cast<uint32_t>(begin + size), id_of(text.substr(begin, size))});
  }
  return cuts;
}

// Neighbours whose text together is a piece are merged, the highest score first and of equal ones the leftmost.
std::vector<SentencePieceProcessor::Cut> SentencePieceProcessor::merged_pairs(std::string_view text) const {
  struct Symbol {
    uint32_t begin, end;  // begin == end: merged into the one before
    int32_t previous, next;
    bool fixed;
  };
  struct Pair {
    float score;
    int32_t left, right;
    uint32_t size;
    bool operator<(const Pair& other) const {
      return score < other.score || (score == other.score && left > other.left);
    }
  };
  std::vector<Symbol> symbols;
  for (uint32_t begin = 0; begin < text.size(); begin = symbols.back().end) {
    bool fixed = false;
    const auto size = static_cast<uint32_t>(first_unit(text.substr(begin), fixed));
    const auto index = static_cast<int32_t>(symbols.size());
    symbols.push_back({begin, begin + size, index - 1, begin + size < text.size() ? index + 1 : -1, fixed});
  }
  std::priority_queue<Pair> agenda;
  std::map<std::string_view, uint32_t> unused;  // pieces that text is not to be cut into: where they came together
  const auto offer = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0) return;
    const Symbol &first = symbols[static_cast<size_t>(left)], &second = symbols[static_cast<size_t>(right)];
    if (first.fixed || second.fixed) return;
    const std::string_view both = text.substr(first.begin, second.end - first.begin);
    const int32_t id = pieces_.find(both);
    if (id == Vocabulary::kNone) return;
    agenda.push({model_.pieces[static_cast<size_t>(id)].score, left, right, static_cast<uint32_t>(both.size())});
    if (type(id) == SentencePiece::Type::kUnused) unused[both] = first.end - first.begin;
  };
  for (size_t i = 1; i < symbols.size(); ++i) offer(static_cast<int32_t>(i) - 1, static_cast<int32_t>(i));
  while (!agenda.empty()) {
    const Pair top = agenda.top();
    agenda.pop();
    Symbol &left = symbols[static_cast<size_t>(top.left)], &right = symbols[static_cast<size_t>(top.right)];
    const bool stale = left.begin == left.end || right.begin == right.end || right.end - left.begin != top.size;
    if (stale) continue;
    left.end = right.end;
    left.next = right.next;
    if (right.next >= 0) symbols[static_cast<size_t>(right.next)].previous = top.left;
    right.begin = right.end;
    offer(left.previous, top.left);
    offer(top.left, left.next);
  }
  std::vector<Cut> cuts, waiting;
  for (const Symbol& symbol : symbols) {
    if (symbol.begin == symbol.end) continue;
    waiting.assign(1, {symbol.begin, symbol.end, 0});
    while (!waiting.empty()) {
      Cut part = waiting.back();
      waiting.pop_back();
      const std::string_view name = text.substr(part.begin, part.end - part.begin);
      part.id = id_of(name);
      const auto halves = type(part.id) == SentencePiece::Type::kUnused ? unused.find(name) : unused.end();
      if (halves == unused.end()) {
        cuts.push_back(part);
        continue;
      }
      waiting.push_back({part.begin + halves->second, part.end, 0});
      waiting.push_back({part.begin, part.begin + halves->second, 0});
    }
  }
  return cuts;
}

}  // namespace imago::tokenizers
