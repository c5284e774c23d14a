#include "imago/tokenizers/encoding.h"

#include <algorithm>
#include <iterator>

#include "imago/base/error.h"

namespace imago {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class T>
std::vector<T> cut(const std::vector<T>& list, size_t begin, size_t end) {
  return {list.begin() + static_cast<ptrdiff_t>(begin), list.begin() + static_cast<ptrdiff_t>(end)};
}

// The windows [begin, end) that cover `size` tokens, the one that stays first.
std::vector<Encoding::TokenRange> windows(size_t size, size_t max_length, size_t stride,
                                          Truncation::Direction direction) {
  std::vector<Encoding::TokenRange> ranges;
  const size_t step = max_length - stride;
  if (direction == Truncation::Direction::kRight) {
    for (size_t begin = 0; begin < size; begin += step) {
      const size_t end = std::min(begin + max_length, size);
      ranges.push_back({begin, end});
      if (end == size) break;
    }
  } else {
    for (size_t end = size; end > 0; end = end > step ? end - step : 0) {
      const size_t begin = end > max_length ? end - max_length : 0;
      ranges.push_back({begin, end});
      if (begin == 0) break;
    }
  }
  return ranges;
}

}  // namespace

Encoding::TokenRange Encoding::range_of(size_t sequence) const {
  const TokenRange all{0, size()};
  return sequence < sequence_ranges.size() ? sequence_ranges[sequence].value_or(all) : all;
}

void Encoding::set_sequence(size_t sequence, TokenRange range) {
  if (sequence >= sequence_ranges.size()) sequence_ranges.resize(sequence + 1);
  sequence_ranges[sequence] = range;
}

std::vector<std::optional<int32_t>> Encoding::sequence_ids() const {
  std::vector<std::optional<int32_t>> result(size());
  const auto known =
      std::count_if(sequence_ranges.begin(), sequence_ranges.end(), [](auto& range) { return range.has_value(); });
  for (size_t sequence = 0; sequence < static_cast<size_t>(std::max<ptrdiff_t>(1, known)); ++sequence) {
    const TokenRange range = range_of(sequence);
    for (size_t i = range.begin; i < std::min(range.end, size()); ++i) result[i] = static_cast<int32_t>(sequence);
  }
  return result;
}

std::optional<size_t> Encoding::char_to_token(size_t character, size_t sequence) const {
  const TokenRange range = range_of(sequence);
  for (size_t i = range.begin; i < std::min(range.end, size()); ++i) {
    if (offsets[i].begin <= character && character < offsets[i].end) return i;
  }
  return std::nullopt;
}

std::optional<std::pair<size_t, size_t>> Encoding::word_to_tokens(int32_t word, size_t sequence) const {
  const TokenRange range = range_of(sequence);
  std::optional<std::pair<size_t, size_t>> found;
  for (size_t i = range.begin; i < std::min(range.end, size()); ++i) {
    if (word_ids[i] && *word_ids[i] > word) break;
    if (word_ids[i] != word) continue;
    if (!found) found = {i, i};
    found->second = i + 1;
  }
  return found;
}

void Encoding::append_token(int32_t id, std::string token, Offsets where, std::optional<int32_t> word,
                            int32_t type_id) {
  ids.push_back(id);
  type_ids.push_back(type_id);
  tokens.push_back(std::move(token));
  offsets.push_back(where);
  word_ids.push_back(word);
  special_tokens_mask.push_back(0);
  attention_mask.push_back(1);
}

void Encoding::append_special(int32_t id, const std::string& token, int32_t type_id) {
  append_token(id, token, {}, std::nullopt, type_id);
  special_tokens_mask.back() = 1;
}

Encoding Encoding::slice(size_t begin, size_t end) const {
  Encoding part;
  part.ids = cut(ids, begin, end);
  part.type_ids = cut(type_ids, begin, end);
  part.tokens = cut(tokens, begin, end);
  part.offsets = cut(offsets, begin, end);
  part.word_ids = cut(word_ids, begin, end);
  part.special_tokens_mask = cut(special_tokens_mask, begin, end);
  part.attention_mask = cut(attention_mask, begin, end);
  return part;
}

void Encoding::truncate(size_t max_length, size_t stride, Truncation::Direction direction) {
  if (max_length >= size()) return;
  if (max_length == 0) {
    Encoding whole = std::move(*this);
    *this = Encoding();
    overflowing.push_back(std::move(whole));
    return;
  }
  if (stride >= max_length) {
    throw Error(ErrorKind::kInvalidArgument, "truncation",
                "stride " + std::to_string(stride) + " is not smaller than the " + std::to_string(max_length) +
                    " tokens that are kept (max_length without special tokens)");
  }
  const std::vector<TokenRange> ranges = windows(size(), max_length, stride, direction);
  Encoding kept = slice(ranges[0].begin, ranges[0].end);
  for (size_t i = 1; i < ranges.size(); ++i) kept.overflowing.push_back(slice(ranges[i].begin, ranges[i].end));
  *this = std::move(kept);
}

void Encoding::merge_with(const Encoding& other) {
  std::vector<Encoding> combined;
  const auto combine = [&](const Encoding& first, const Encoding& second) {
    combined.push_back(first);
    combined.back().merge_with(second);
  };
  for (const Encoding& window : overflowing) {
    combine(window, other);
    for (const Encoding& other_window : other.overflowing) combine(window, other_window);
  }
  for (const Encoding& other_window : other.overflowing) combine(*this, other_window);

  append_sequences_of(other);
  append(ids, other.ids);
  append(type_ids, other.type_ids);
  append(tokens, other.tokens);
  append(offsets, other.offsets);
  append(word_ids, other.word_ids);
  append(special_tokens_mask, other.special_tokens_mask);
  append(attention_mask, other.attention_mask);
  overflowing = std::move(combined);
}

void Encoding::merge_with(Encoding&& other) {
  if (!overflowing.empty() || !other.overflowing.empty()) return merge_with(static_cast<const Encoding&>(other));
  append_sequences_of(other);
  append(ids, other.ids);
  append(type_ids, other.type_ids);
  tokens.insert(tokens.end(), std::make_move_iterator(other.tokens.begin()),
                std::make_move_iterator(other.tokens.end()));
  append(offsets, other.offsets);
  append(word_ids, other.word_ids);
  append(special_tokens_mask, other.special_tokens_mask);
  append(attention_mask, other.attention_mask);
}

void Encoding::append_sequences_of(const Encoding& other) {
  const size_t before = size();
  for (size_t sequence = 0; sequence < other.sequence_ranges.size(); ++sequence) {
    if (const auto& range = other.sequence_ranges[sequence]) {
      set_sequence(sequence, {before + range->begin, before + range->end});
    }
  }
}

void Encoding::pad(size_t length, const Padding& padding) {
  for (Encoding& window : overflowing) window.pad(length, padding);
  if (size() >= length) return;
  const size_t count = length - size();
  const bool left = padding.direction == Padding::Direction::kLeft;
  const auto extend = [&](auto& list, const auto& value) {
    list.insert(left ? list.begin() : list.end(), count, value);
  };
  extend(ids, padding.pad_id);
  extend(type_ids, padding.pad_type_id);
  extend(tokens, padding.pad_token);
  extend(offsets, Offsets{});
  extend(word_ids, std::optional<int32_t>());
  extend(special_tokens_mask, uint8_t{1});
  extend(attention_mask, uint8_t{0});
  for (auto& range : sequence_ranges) {
    if (range && left) range = TokenRange{range->begin + count, range->end + count};
  }
}

namespace {

void truncate_longest_first(Encoding& first, Encoding& second, const Truncation& truncation) {
  const size_t max_length = truncation.max_length;
  size_t shorter = first.size(), longer = second.size();
  const bool swapped = shorter > longer;
  if (swapped) std::swap(shorter, longer);
  longer = shorter > max_length ? shorter : std::max(shorter, max_length - shorter);
  if (shorter + longer > max_length) {
    shorter = max_length / 2;
    longer = shorter + max_length % 2;
  }
  if (swapped) std::swap(shorter, longer);
  first.truncate(shorter, truncation.stride, truncation.direction);
  second.truncate(longer, truncation.stride, truncation.direction);
}

}  // namespace

void truncate_encodings(Encoding& first, Encoding* second, const Truncation& truncation) {
  if (truncation.max_length == 0) {
    first.truncate(0, truncation.stride, truncation.direction);
    if (second) second->truncate(0, truncation.stride, truncation.direction);
    return;
  }
  const size_t total = first.size() + (second ? second->size() : 0);
  if (total <= truncation.max_length) return;
  if (truncation.strategy == Truncation::Strategy::kLongestFirst) {
    if (second) {
      truncate_longest_first(first, *second, truncation);
    } else {
      first.truncate(truncation.max_length, truncation.stride, truncation.direction);
    }
    return;
  }
  const bool only_first = truncation.strategy == Truncation::Strategy::kOnlyFirst;
  if (!only_first && second == nullptr) {
    throw Error(ErrorKind::kInvalidArgument, "truncation", "the strategy only_second needs a pair");
  }
  Encoding& target = only_first ? first : *second;
  const size_t to_remove = total - truncation.max_length;
  if (target.size() <= to_remove) {
    throw Error(ErrorKind::kInvalidArgument, "truncation",
                "the sequence to truncate is too short to respect max_length " + std::to_string(truncation.max_length),
                "use the strategy longest_first");
  }
  target.truncate(target.size() - to_remove, truncation.stride, truncation.direction);
}

void pad_encodings(std::vector<Encoding>& encodings, const Padding& padding) {
  size_t length = padding.length.value_or(0);
  if (!padding.length) {
    for (const Encoding& encoding : encodings) length = std::max(length, encoding.size());
  }
  if (const size_t multiple = padding.pad_to_multiple_of.value_or(0); multiple > 0 && length % multiple > 0) {
    length += multiple - length % multiple;
  }
  if (length > (size_t{1} << 28)) {
    throw Error(ErrorKind::kLimitExceeded, "padding",
                "encodings would be padded to " + std::to_string(length) + " tokens");
  }
  for (Encoding& encoding : encodings) encoding.pad(length, padding);
}

}  // namespace imago
