#include "imago/tokenizers/pre_tokenized_string.h"

#include <algorithm>

namespace imago::tokenizers {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Joins a range to the last one that stays, or keeps it by itself.
void merge_runs(std::vector<PatternRange>& ranges, bool contiguous) {
  size_t kept = 0;
  bool previous_match = false;
  for (const PatternRange range : ranges) {
    const bool join = contiguous ? range.match == previous_match : range.match && !previous_match;
    previous_match = range.match;
    if (join && kept > 0) {
      ranges[kept - 1].end = range.end;
    } else {
      ranges[kept++] = {range.begin, range.end, false};
    }
  }
  ranges.resize(kept);
}

void merge_with_next(std::vector<PatternRange>& ranges) {
  size_t kept = ranges.size();  // the kept ones gather at the back
  bool previous_match = false;
  for (size_t i = ranges.size(); i-- > 0;) {
    const PatternRange range = ranges[i];
    const bool join = range.match && !previous_match && kept < ranges.size();
    previous_match = range.match;
    if (join) {
      ranges[kept].begin = range.begin;
    } else {
      ranges[--kept] = {range.begin, range.end, false};
    }
  }
  ranges.erase(ranges.begin(), ranges.begin() + static_cast<ptrdiff_t>(kept));
}

}  // namespace

void apply_split_behavior(std::vector<PatternRange>& ranges, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kIsolated: break;
    case SplitBehavior::kRemoved: std::erase_if(ranges, [](const PatternRange& range) { return range.match; }); break;
    case SplitBehavior::kContiguous: merge_runs(ranges, true); break;
    case SplitBehavior::kMergedWithPrevious: merge_runs(ranges, false); break;
    case SplitBehavior::kMergedWithNext: merge_with_next(ranges); break;
  }
}

void PreTokenizedString::append_original(uint32_t begin, uint32_t end, int32_t token_id) {
  if (begin < end) splits_.push_back({begin, end, token_id, begin});
}

void PreTokenizedString::append(const NormalizedString& string, uint32_t begin, uint32_t end, int32_t token_id) {
  if (begin == end) return;
  identity_ = false;
  const auto at = static_cast<uint32_t>(text_.size());
  text_.append(string.text().substr(begin, end - begin));
  uint32_t original_begin = at;
  if (tracked_) {
    alignments_.insert(alignments_.end(), string.alignments().begin() + begin, string.alignments().begin() + end);
    original_begin = alignments_[at].begin;
  }
  splits_.push_back({at, at + (end - begin), token_id, original_begin});
}

void PreTokenizedString::append_whole(NormalizedString&& string, int32_t token_id) {
  const auto size = static_cast<uint32_t>(string.text().size());
  if (!text_.empty() || size == 0) return append(string, 0, size, token_id);
  identity_ = false;
  string.release(text_, alignments_);
  splits_.push_back({0, size, token_id, tracked_ ? alignments_[0].begin : 0});
}

Alignment PreTokenizedString::align(const Split& split, uint32_t begin, uint32_t end) const {
  begin += split.begin;
  end += split.begin;
  if (!identity_) return {alignments_[begin].begin, alignments_[end - 1].end};
  // A byte comes from its whole character.
  while (begin > 0 && is_continuation(original_[begin])) --begin;
  while (end < original_.size() && is_continuation(original_[end])) ++end;
  return {begin, end};
}

PreTokenizedString::Split PreTokenizedString::make_split(const Split& parent, uint32_t begin, uint32_t end) const {
  Split split{parent.begin + begin, parent.begin + end, kNoToken, parent.begin + begin};
  if (!identity_ && tracked_) split.original_begin = alignments_[split.begin].begin;
  return split;
}

const std::vector<PreTokenizedString::Split>& PreTokenizedString::splits() {
  settle();
  return splits_;
}

// Makes the list of what is still to be cut.
void PreTokenizedString::settle() {
  if (scanner_count_ == 0) return;
  std::vector<Split> splits;
  for_each_block([&](std::span<const Split> pieces) { splits.insert(splits.end(), pieces.begin(), pieces.end()); });
  splits_ = std::move(splits);
  scanner_count_ = 0;
}

void PreTokenizedString::for_each_block(VisitPieces visit) const { cut(0, splits_, visit); }

// Hands a block to the next scanner, or to the caller.
void PreTokenizedString::visit_block(size_t level, Block& block, const VisitPieces& visit) const {
  if (level == scanner_count_ && !identity_ && tracked_) {
    for (size_t i = 0; i < block.count_; ++i) {
      Split& split = block.splits_[i];
      if (split.token_id == kNoToken) split.original_begin = alignments_[split.begin].begin;
    }
  }
  cut(level, {block.splits_.data(), block.count_}, visit);
  block.count_ = 0;
}

void PreTokenizedString::cut(size_t level, std::span<const Split> pieces, const VisitPieces& visit) const {
  if (level == scanner_count_) return visit(pieces);
  Block block;
  for (const Split& split : pieces) {
    if (!block.has_room()) visit_block(level + 1, block, visit);
    if (split.token_id != kNoToken) {
      block.splits_[block.count_++] = split;
      continue;
    }
    block.piece_begin_ = split.begin;
    const std::string_view piece = text(split);
    for (uint32_t at = 0; at < piece.size();) {
      if (!block.has_room()) visit_block(level + 1, block, visit);
      at = scanners_[level]->scan(piece, at, block);
    }
  }
  visit_block(level + 1, block, visit);
}

void PreTokenizedString::split_at(const Scanner* scanner) {
  if (scanner_count_ == scanners_.size()) settle();
  scanners_[scanner_count_++] = scanner;
}

void PreTokenizedString::split(FindRanges find, SplitBehavior behavior) {
  settle();
  std::vector<Split> splits;
  splits.reserve(splits_.size() * 2);
  std::vector<PatternRange> ranges;
  for (const Split& split : splits_) {
    if (split.token_id != kNoToken) {
      splits.push_back(split);
      continue;
    }
    ranges.clear();
    find(text(split), ranges);
    apply_split_behavior(ranges, behavior);
    for (const PatternRange& range : ranges) {
      if (range.begin < range.end) splits.push_back(make_split(split, range.begin, range.end));
    }
  }
  splits_ = std::move(splits);
}

void PreTokenizedString::rewrite(Rewrite rewrite) {
  settle();
  std::string text;
  std::vector<Alignment> alignments;
  text.reserve(this->text().size() + this->text().size() / 4);
  for (Split& split : splits_) {
    const auto at = static_cast<uint32_t>(text.size());
    const std::string_view piece = this->text(split);
    if (split.token_id != kNoToken) {
      text += piece;
      if (tracked_ && identity_) append_identity_alignments(piece, split.begin, alignments);
      if (tracked_ && !identity_) {
        alignments.insert(alignments.end(), alignments_.begin() + split.begin, alignments_.begin() + split.end);
      }
    } else {
      NormalizedString string =
          identity_ || !tracked_
              ? NormalizedString(piece, split.begin, tracked_)
              : NormalizedString(piece, {alignments_.begin() + split.begin, alignments_.begin() + split.end});
      rewrite(string, split);
      text += string.text();
      alignments.insert(alignments.end(), string.alignments().begin(), string.alignments().end());
    }
    split.begin = at;
    split.end = static_cast<uint32_t>(text.size());
  }
  std::erase_if(splits_, [](const Split& split) { return split.begin == split.end; });
  text_ = std::move(text);
  alignments_ = std::move(alignments);
  identity_ = false;
}

}  // namespace imago::tokenizers
