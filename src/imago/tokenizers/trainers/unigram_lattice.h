// All ways to cut a word into the pieces of a unigram model, while it is trained.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

// The seeds as a tree of bytes. It is built once; in each round of training it maps to the pieces that are left.
class PieceTree {
 public:
  static constexpr int32_t kNone = -1;

  // Of equal seeds the last counts.
  explicit PieceTree(const std::vector<std::string>& seeds);

  // pieces[id] = {seed, score}.
  struct Piece {
    uint32_t seed;
    double score;
  };
  void assign(const std::vector<Piece>& pieces);

  // Calls visit(length, id) for each piece that begins the text, the shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit visit) const {
    int32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == kNone) return;
      if (ids_[static_cast<size_t>(node)] != kNone) visit(i + 1, ids_[static_cast<size_t>(node)]);
    }
  }

  double score(int32_t id) const { return scores_[static_cast<size_t>(id)]; }
  double unknown_score() const { return unknown_score_; }
  double min_score() const { return min_score_; }

 private:
  struct Node {
    uint32_t first_child = 0, children = 0;  // children lie one behind the other, in the order of their bytes
  };

  int32_t child(int32_t node, unsigned char byte) const {
    if (node == 0) return root_[byte];
    const Node& parent = nodes_[static_cast<size_t>(node)];
    const unsigned char* labels = labels_.data() + parent.first_child;
    for (uint32_t i = 0; i < parent.children; ++i) {
      if (labels[i] == byte) return static_cast<int32_t>(parent.first_child + i);
    }
    return kNone;
  }

  std::vector<Node> nodes_;
  std::vector<unsigned char> labels_;  // the byte that leads to a node
  std::vector<int32_t> ids_;           // the piece that ends at a node
  std::vector<int32_t> root_;          // by byte
  std::vector<int32_t> node_of_seed_;
  std::vector<double> scores_;
  double min_score_ = 0, unknown_score_ = 0;
};

// Reused from word to word. The order of all additions is that of the reference.
class UnigramLattice {
 public:
  // Piece 0 stands for a character that is no piece.
  void build(std::string_view word, const PieceTree& pieces);

  // Adds to expected[id] how often each piece is used, over all ways to cut weighed by their probability, times
  // `frequency`. Gives the log-likelihood of the word.
  double add_expected(double frequency, std::vector<double>& expected);

  // The ids of the best way to cut.
  void best(std::vector<int32_t>& ids);

  // The ids of the two best ways to cut; the second is empty when there is one only.
  void two_best(std::vector<int32_t>& first, std::vector<int32_t>& second);

 private:
  struct Node {
    uint32_t begin, end;
    int32_t id;
    double score;
    double backtrace_score;
    uint32_t previous;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  void insert(size_t begin, size_t length, int32_t id, double score);
  void find_backtrace_scores();
  // Nodes that end at a place, in the order in which they were inserted.
  template <class Visit>
  void for_each_ending_at(size_t place, Visit visit) const {
    for (uint32_t i = end_first_[place]; i < end_first_[place + 1]; ++i) visit(by_end_[i]);
  }

  struct Hypothesis {
    uint32_t node, next;
    double fx, gx;
  };
  class Agenda;

  size_t size_ = 0;
  std::vector<Node> nodes_;            // by begin: the first is the beginning of the word, the last its end
  std::vector<uint32_t> begin_first_;  // by place: the first node that begins there
  std::vector<uint32_t> end_first_, by_end_, end_cursor_;
  std::vector<double> alpha_, beta_;  // by place: equal for all nodes that begin, or end, there
};

}  // namespace imago::tokenizers
