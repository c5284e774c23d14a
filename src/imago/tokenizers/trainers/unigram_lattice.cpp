#include "imago/tokenizers/trainers/unigram_lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "imago/base/unicode.h"

namespace imago::tokenizers {
namespace {

constexpr double kUnknownPenalty = 10.0;

double log_sum_exp(double x, double y) {
  const double low = x > y ? y : x, high = x > y ? x : y;
  constexpr double kNegligible = 50.0;
  return high > low + kNegligible ? high : high + std::log(std::exp(low - high) + 1.0);
}

}  // namespace

PieceTree::PieceTree(const std::vector<std::string>& seeds) : root_(256, kNone), node_of_seed_(seeds.size()) {
  std::vector<uint32_t> order(seeds.size());
  for (uint32_t i = 0; i < seeds.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return seeds[a] < seeds[b]; });

  // Level by level, so that the children of a node follow each other: a range of sorted seeds shares a node.
  struct Range {
    uint32_t node;
    size_t begin, end;
  };
  nodes_.emplace_back();
  labels_.push_back(0);
  std::vector<Range> level{{0, 0, order.size()}}, next;
  for (size_t depth = 0; !level.empty(); ++depth) {
    next.clear();
    for (Range range : level) {
      while (range.begin < range.end && seeds[order[range.begin]].size() == depth) {
        node_of_seed_[order[range.begin++]] = static_cast<int32_t>(range.node);
      }
      nodes_[range.node].first_child = static_cast<uint32_t>(nodes_.size());
      while (range.begin < range.end) {
        const char byte = seeds[order[range.begin]][depth];
        size_t end = range.begin;
        while (end < range.end && seeds[order[end]][depth] == byte) ++end;
        next.push_back({static_cast<uint32_t>(nodes_.size()), range.begin, end});
        nodes_.emplace_back();
        labels_.push_back(static_cast<unsigned char>(byte));
        ++nodes_[range.node].children;
        range.begin = end;
      }
    }
    level.swap(next);
  }
  for (uint32_t i = 0; i < nodes_[0].children; ++i) {
    root_[labels_[nodes_[0].first_child + i]] = static_cast<int32_t>(nodes_[0].first_child + i);
  }
  ids_.assign(nodes_.size(), kNone);
}

void PieceTree::assign(const std::vector<Piece>& pieces) {
  std::fill(ids_.begin(), ids_.end(), kNone);
  scores_.resize(pieces.size());
  min_score_ = std::numeric_limits<double>::infinity();
  for (size_t id = 0; id < pieces.size(); ++id) {
    ids_[static_cast<size_t>(node_of_seed_[pieces[id].seed])] = static_cast<int32_t>(id);
    scores_[id] = pieces[id].score;
    if (pieces[id].score < min_score_) min_score_ = pieces[id].score;
  }
  unknown_score_ = min_score_ - kUnknownPenalty;
}

void UnigramLattice::insert(size_t begin, size_t length, int32_t id, double score) {
  nodes_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(begin + length), id, score, 0.0, kNone});
}

void UnigramLattice::build(std::string_view word, const PieceTree& pieces) {
  size_ = word.size();
  nodes_.clear();
  begin_first_.assign(size_ + 2, 0);
  end_first_.assign(size_ + 2, 0);
  insert(0, 0, -1, 0.0);
  for (size_t begin = 0; begin < size_;) {
    const auto character = static_cast<size_t>(decode_utf8(word.substr(begin)).size);
    begin_first_[begin] = static_cast<uint32_t>(nodes_.size());
    bool is_piece = false;
    pieces.for_each_prefix(word.substr(begin), [&](size_t length, int32_t id) {
      insert(begin, length, id, pieces.score(id));
      is_piece = is_piece || length == character;
    });
    if (!is_piece) insert(begin, character, 0, pieces.unknown_score());
    for (size_t i = 1; i <= character; ++i) begin_first_[begin + i] = static_cast<uint32_t>(nodes_.size());
    begin += character;
  }
  begin_first_[size_] = static_cast<uint32_t>(nodes_.size());
  begin_first_[size_ + 1] = static_cast<uint32_t>(nodes_.size() + 1);
  // The end of the word ends nowhere.
  for (const Node& node : nodes_) ++end_first_[node.end + 1];
  for (size_t i = 1; i < end_first_.size(); ++i) end_first_[i] += end_first_[i - 1];
  by_end_.resize(nodes_.size());
  end_cursor_ = end_first_;
  for (uint32_t i = 0; i < nodes_.size(); ++i) by_end_[end_cursor_[nodes_[i].end]++] = i;
  insert(size_, 0, -2, 0.0);
}

// The reference computes alpha and beta per node, though all nodes that begin at a place have the same alpha, and all
// that end there the same beta.
double UnigramLattice::add_expected(double frequency, std::vector<double>& expected) {
  alpha_.assign(size_ + 1, 0.0);
  beta_.assign(size_ + 1, 0.0);
  for (size_t place = 0; place <= size_; ++place) {
    bool first = true;
    for_each_ending_at(place, [&](uint32_t left) {
      const double value = nodes_[left].score + (left == 0 ? 0.0 : alpha_[nodes_[left].begin]);
      alpha_[place] = first ? value : log_sum_exp(alpha_[place], value);
      first = false;
    });
  }
  for (size_t place = size_ + 1; place-- > 0;) {
    const uint32_t begin = begin_first_[place];
    for (uint32_t right = begin; right < begin_first_[place + 1]; ++right) {
      const double value = nodes_[right].score + (right + 1 == nodes_.size() ? 0.0 : beta_[nodes_[right].end]);
      beta_[place] = right == begin ? value : log_sum_exp(beta_[place], value);
    }
  }
  const double z = alpha_[size_];
  for (size_t i = 1; i + 1 < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const double total = alpha_[node.begin] + node.score + beta_[node.end] - z;
    expected[static_cast<size_t>(node.id)] += frequency * std::exp(total);
  }
  return frequency * z;
}

void UnigramLattice::find_backtrace_scores() {
  for (size_t right = 1; right < nodes_.size(); ++right) {
    Node& node = nodes_[right];
    node.previous = kNone;
    for_each_ending_at(node.begin, [&](uint32_t left) {
      const double score = nodes_[left].backtrace_score + node.score;
      if (node.previous == kNone || score > node.backtrace_score) {
        node.previous = left;
        node.backtrace_score = score;
      }
    });
  }
}

void UnigramLattice::best(std::vector<int32_t>& ids) {
  find_backtrace_scores();
  ids.clear();
  for (uint32_t i = nodes_.back().previous; i != 0 && i != kNone; i = nodes_[i].previous) ids.push_back(nodes_[i].id);
  std::reverse(ids.begin(), ids.end());
}

// The greatest fx first. Which of equal ones comes first settles what a piece is replaced by, so this is the heap of
// the reference: four children, and an order in which nothing equals anything.
class UnigramLattice::Agenda {
 public:
  explicit Agenda(const std::vector<Hypothesis>& hypotheses) : hypotheses_(hypotheses) {}

  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }

  void push(uint32_t item) {
    items_.push_back(item);
    sift_up(items_.size() - 1);
  }

  uint32_t pop() {
    uint32_t item = items_.back();
    items_.pop_back();
    if (!items_.empty()) {
      std::swap(item, items_[0]);
      sift_down_to_bottom();
    }
    return item;
  }

  void keep_greatest(size_t count) {
    Agenda kept(hypotheses_);
    for (size_t i = 0; i < count; ++i) kept.push(pop());
    items_.swap(kept.items_);
  }

 private:
  bool less(uint32_t a, uint32_t b) const { return hypotheses_[a].fx < hypotheses_[b].fx; }
  size_t greater_place(size_t a, size_t b) const { return less(items_[a], items_[b]) ? b : a; }

  void sift_up(size_t place) {
    const uint32_t item = items_[place];
    while (place > 0) {
      const size_t parent = (place - 1) / 4;
      if (less(item, items_[parent])) break;
      items_[place] = items_[parent];
      place = parent;
    }
    items_[place] = item;
  }

  void sift_down_to_bottom() {
    const uint32_t item = items_[0];
    size_t place = 0, child = 1;
    for (; child + 4 <= items_.size(); child = 4 * place + 1) {
      child = greater_place(greater_place(child, child + 1), greater_place(child + 2, child + 3));
      items_[place] = items_[child];
      place = child;
    }
    if (child < items_.size()) {
      for (size_t other = child + 1; other < items_.size(); ++other) child = greater_place(child, other);
      items_[place] = items_[child];
      place = child;
    }
    items_[place] = item;
    sift_up(place);
  }

  const std::vector<Hypothesis>& hypotheses_;
  std::vector<uint32_t> items_;
};

void UnigramLattice::two_best(std::vector<int32_t>& first, std::vector<int32_t>& second) {
  constexpr size_t kMaxAgenda = 100'000, kKept = 20;
  first.clear();
  second.clear();
  find_backtrace_scores();
  std::vector<Hypothesis> hypotheses{{static_cast<uint32_t>(nodes_.size() - 1), kNone, 0.0, 0.0}};
  Agenda agenda(hypotheses);
  agenda.push(0);
  for (bool is_first = true; !agenda.empty();) {
    const uint32_t top = agenda.pop();
    const Hypothesis from = hypotheses[top];
    if (from.node == 0) {
      std::vector<int32_t>& ids = is_first ? first : second;
      for (uint32_t i = from.next; hypotheses[i].next != kNone; i = hypotheses[i].next) {
        ids.push_back(nodes_[hypotheses[i].node].id);
      }
      if (!is_first) return;
      is_first = false;
      continue;
    }
    for_each_ending_at(nodes_[from.node].begin, [&](uint32_t left) {
      hypotheses.push_back({left, top, nodes_[left].backtrace_score + from.gx, nodes_[left].score + from.gx});
      agenda.push(static_cast<uint32_t>(hypotheses.size() - 1));
    });
    if (agenda.size() > kMaxAgenda) {
      agenda.keep_greatest(kKept);
    }
  }
}

}  // namespace imago::tokenizers
