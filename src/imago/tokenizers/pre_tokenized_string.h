// A text cut into the pieces that the model sees one by one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {

// What becomes of a delimiter that a pattern finds.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// A range of a piece that a pattern matched, or the range between two matches. Ranges follow each other without gaps.
struct PatternRange {
  uint32_t begin, end;
  bool match;
};

// Applies the behaviour: the ranges that stay, in order.
void apply_split_behavior(std::vector<PatternRange>& ranges, SplitBehavior behavior);

class Scanner;

// All pieces lie one behind the other in one buffer, so that splitting allocates nothing per piece.
class PreTokenizedString {
 public:
  struct Split {
    uint32_t begin, end;      // in text()
    int32_t token_id;         // of an added token, or kNoToken
    uint32_t original_begin;  // where the piece begins in the original text (exact only when offsets are known)
  };
  static constexpr int32_t kNoToken = -1;

  // Some pieces in a row, few enough for the first-level cache.
  class Block {
   public:
    // Appends bytes [begin, end) of the piece that is being cut, if there are any.
    void push(uint32_t begin, uint32_t end) {
      splits_[count_] = {piece_begin_ + begin, piece_begin_ + end, kNoToken, piece_begin_ + begin};
      count_ += begin < end;
    }
    // A scanner that finds room may push two pieces.
    bool has_room() const { return count_ + 2 < splits_.size(); }

   private:
    friend class PreTokenizedString;
    uint32_t piece_begin_ = 0;
    size_t count_ = 0;
    std::array<Split, 256> splits_;
  };

  // `original` must outlive this.
  PreTokenizedString(std::string_view original, bool tracked) : original_(original), tracked_(tracked) {}

  std::string_view original() const { return original_; }
  bool tracked() const { return tracked_; }
  std::string_view text() const { return identity_ ? original_ : std::string_view(text_); }
  std::string_view text(const Split& split) const { return text().substr(split.begin, split.end - split.begin); }
  const std::vector<Split>& splits();

  // Calls visit(pieces) for all pieces in order, some at a time. What split_at() cuts is cut now and not kept.
  using VisitPieces = FunctionRef<void(std::span<const Split> pieces)>;
  void for_each_block(VisitPieces visit) const;

  // Appends a piece of the original as it is. The pieces must be appended in order, all by this or all by the next.
  void append_original(uint32_t begin, uint32_t end, int32_t token_id = kNoToken);
  // Appends a range of a piece that was normalized.
  void append(const NormalizedString& string, uint32_t begin, uint32_t end, int32_t token_id = kNoToken);

  // The same for the whole of it, which is not copied where it comes first.
  void append_whole(NormalizedString&& string, int32_t token_id);

  // Where text bytes [begin, end) of a piece come from in the original.
  Alignment align(const Split& split, uint32_t begin, uint32_t end) const;

  // Cuts every piece that is not an added token. `find` appends ranges, relative to the piece, that cover it; those
  // that the behaviour removes, and empty ones, are dropped.
  using FindRanges = FunctionRef<void(std::string_view piece, std::vector<PatternRange>& ranges)>;
  void split(FindRanges find, SplitBehavior behavior);

  // Cuts every piece that is not an added token, when the pieces are asked for: a list of a million pieces would leave
  // the cache, and at such sizes the allocator takes fresh pages from the system every time. The scanner must outlive
  // this.
  void split_at(const Scanner* scanner);

  // Rewrites the text of every piece that is not an added token.
  using Rewrite = FunctionRef<void(NormalizedString& piece, const Split& split)>;
  void rewrite(Rewrite rewrite);

 private:
  Split make_split(const Split& parent, uint32_t begin, uint32_t end) const;
  void visit_block(size_t level, Block& block, const VisitPieces& visit) const;
  void cut(size_t level, std::span<const Split> pieces, const VisitPieces& visit) const;
  void settle();

  std::string_view original_;
  bool tracked_;
  bool identity_ = true;  // the text is the original
  std::string text_;
  std::vector<Alignment> alignments_;  // one per byte of text_, when tracked and not identity
  std::vector<Split> splits_;
  // What cuts the splits further, and has not done so yet: the first cuts them, the next what the first leaves.
  std::array<const Scanner*, 4> scanners_{};
  size_t scanner_count_ = 0;
};

// Cuts a piece from front to back.
class Scanner {
 public:
  virtual ~Scanner() = default;
  // Appends pieces of text[at, ...) while the block has room. Returns where to go on; text.size() when all is done.
  virtual uint32_t scan(std::string_view text, uint32_t at, PreTokenizedString::Block& block) const = 0;
};

}  // namespace imago::tokenizers
