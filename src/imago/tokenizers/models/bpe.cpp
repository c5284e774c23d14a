#include "imago/tokenizers/models/bpe.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/models/bpe_word.h"
#include "imago/tokenizers/models/word_cache.h"
#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {

struct BpeScratch : ModelScratch {
  WordCache cache;
  std::vector<BpeSymbol> symbols;
  std::vector<MergeTable::Merge> pairs;
  LongWordMerger long_word;
  std::string spelled;
  std::vector<int32_t> ids;
  // An unknown stretch that is not written yet: with fuse_unk it may grow.
  bool unk_pending = false;
  uint32_t unk_size = 0;
};

namespace {

constexpr std::string_view kWordBegin = "\xE2\x96\x81";  // U+2581, which SentencePiece writes for a space
// Up to this many symbols scanning beats going window by window.
constexpr size_t kShortWord = 48;
// Pieces whose cache entries are asked for before the first of them is read.
constexpr size_t kAhead = 16;
constexpr uint8_t kLengthsFollow = 1;
constexpr int32_t kAsked = -2;  // a merge whose result is still to be looked up

std::string fallback_token(unsigned char byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">";
}

std::string spelled_byte(int byte) {
  std::string spelled;
  append_utf8(spelled, byte_to_character(static_cast<unsigned char>(byte)));
  return spelled;
}

}  // namespace

Bpe::Bpe(BpeOptions options, Vocabulary vocabulary, const std::vector<MergeRule>& merges)
    : options_(std::move(options)), vocabulary_(std::move(vocabulary)), merges_(merges) {
  if (options_.dropout && !(*options_.dropout >= 0.0f && *options_.dropout <= 1.0f)) {
    throw Error(ErrorKind::kInvalidFile, "BPE", "dropout is not between 0 and 1");
  }
  affixes_ = options_.continuing_subword_prefix.value_or("") != "" || options_.end_of_word_suffix.value_or("") != "";
  if (options_.unk_token) unk_id_ = vocabulary_.find(*options_.unk_token);
  for (int byte = 0; byte < 256; ++byte) {
    const char character = static_cast<char>(byte);
    byte_symbols_[byte] = byte < 128 ? vocabulary_.find({&character, 1}) : Vocabulary::kNone;
    fallback_symbols_[byte] =
        options_.byte_fallback ? vocabulary_.find(fallback_token(static_cast<unsigned char>(byte))) : Vocabulary::kNone;
  }
  splits_words_ = !affixes_ && !options_.ignore_merges && vocabulary_.find(kWordBegin) != Vocabulary::kNone &&
                  std::none_of(merges.begin(), merges.end(), [&](const MergeRule& rule) {
                    return !vocabulary_.token(rule.left).ends_with(kWordBegin) &&
                           vocabulary_.token(rule.right).starts_with(kWordBegin);
                  });
}

std::vector<MergeRule> Bpe::resolve_merges(const Vocabulary& vocabulary,
                                           const std::vector<std::pair<std::string_view, std::string_view>>& merges,
                                           size_t prefix_size) {
  constexpr size_t kBatch = 48;
  std::vector<MergeRule> rules(merges.size());
  const auto spells = [&](int32_t id, std::string_view left, std::string_view right) {
    if (!vocabulary.contains_id(id)) return false;
    const std::string_view token = vocabulary.token(id);
    return token.size() == left.size() + right.size() && token.starts_with(left) && token.ends_with(right);
  };
  parallel_for(static_cast<int64_t>(merges.size()), 1 << 14, [&](int64_t range_begin, int64_t range_end) {
    std::string results;
    std::array<std::string_view, 3 * kBatch> tokens;
    std::array<int32_t, 3 * kBatch> ids;
    int32_t last_result = Vocabulary::kNone;
    for (auto begin = static_cast<size_t>(range_begin); begin < static_cast<size_t>(range_end); begin += kBatch) {
      const size_t count = std::min(kBatch, static_cast<size_t>(range_end) - begin);
      size_t bytes = 0;
      for (size_t i = begin; i < begin + count; ++i) bytes += merges[i].first.size() + merges[i].second.size();
      results.clear();
      results.reserve(bytes);  // views into it stay where they are
      size_t asked = 0;
      for (size_t i = 0; i < count; ++i) {
        const auto& [left, right] = merges[begin + i];
        tokens[asked++] = left;
        tokens[asked++] = right;
        rules[begin + i].result = Vocabulary::kNone;
        if (right.size() < prefix_size) continue;
        const std::string_view suffix = right.substr(prefix_size);
        // Merges are usually in the order of the tokens they make: then to see whether this one makes the same token as
        // the last, or the next token, is all it takes.
        for (const int32_t guess : {last_result, last_result + 1}) {
          if (spells(guess, left, suffix)) rules[begin + i].result = last_result = guess;
        }
        if (rules[begin + i].result != Vocabulary::kNone) continue;
        const size_t at = results.size();
        results += left;
        results += suffix;
        tokens[asked++] = std::string_view(results).substr(at);
        rules[begin + i].result = kAsked;
      }
      vocabulary.find_all({tokens.data(), asked}, {ids.data(), asked});
      size_t answer = 0;
      for (size_t i = begin; i < begin + count; ++i) {
        rules[i].left = ids[answer++];
        rules[i].right = ids[answer++];
        if (rules[i].result == kAsked) rules[i].result = last_result = ids[answer++];
      }
    }
  });
  for (size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].left >= 0 && rules[i].right >= 0 && rules[i].result >= 0) continue;
    const std::string left(merges[i].first), right(merges[i].second);
    const std::string missing = rules[i].left < 0    ? left
                                : rules[i].right < 0 ? right
                                                     : left + right.substr(std::min(prefix_size, right.size()));
    throw Error(
        ErrorKind::kInvalidFile, "BPE",
        "the merge '" + left + " " + right + "' needs the token '" + missing + "', which is not in the vocabulary");
  }
  return rules;
}

bool Bpe::can_use_raw_bytes() const {
  if (options_.continuing_subword_prefix.value_or("") != "") return false;
  const std::string suffix = options_.end_of_word_suffix.value_or("");
  for (int byte = 0; byte < 256; ++byte) {
    const bool in_utf8 = byte < 0xC0 || (byte >= 0xC2 && byte <= 0xF4);
    if (!in_utf8) continue;
    const std::string spelled = spelled_byte(byte);
    if (vocabulary_.find(spelled) == Vocabulary::kNone || vocabulary_.find(spelled + suffix) == Vocabulary::kNone) {
      return false;
    }
  }
  return true;
}

void Bpe::use_raw_bytes() {
  const std::string suffix = options_.end_of_word_suffix.value_or("");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string spelled = spelled_byte(byte);
    byte_symbols_[byte] = vocabulary_.find(spelled);
    last_byte_symbols_[byte] = vocabulary_.find(spelled + suffix);
  }
  raw_bytes_ = true;
  splits_words_ = false;
  raw_lengths_.resize(static_cast<size_t>(vocabulary_.id_limit()));
  for (int32_t id = 0; id < vocabulary_.id_limit(); ++id) {
    if (vocabulary_.contains_id(id)) raw_lengths_[id] = static_cast<uint32_t>(count_utf8(vocabulary_.token(id)));
  }
}

std::unique_ptr<ModelScratch> Bpe::make_scratch() const { return std::make_unique<BpeScratch>(); }

int32_t Bpe::symbol(std::string_view character, bool first, bool last, BpeScratch& scratch) const {
  if (!affixes_) {
    if (character.size() == 1) return byte_symbols_[static_cast<unsigned char>(character[0])];
    return vocabulary_.find(character);
  }
  scratch.spelled.clear();
  if (!first && options_.continuing_subword_prefix) scratch.spelled += *options_.continuing_subword_prefix;
  scratch.spelled += character;
  if (last && options_.end_of_word_suffix) scratch.spelled += *options_.end_of_word_suffix;
  return vocabulary_.find(scratch.spelled);
}

// `spelled` is the character with its affixes, `size` its bytes without them.
void Bpe::add_unknown_character(std::string_view spelled, size_t size, BpeScratch& scratch) const {
  if (options_.byte_fallback && std::all_of(spelled.begin(), spelled.end(), [&](char byte) {
        return fallback_symbols_[static_cast<unsigned char>(byte)] != Vocabulary::kNone;
      })) {
    // A pending unknown stretch stays pending: it comes behind the bytes, as in the reference.
    for (char byte : spelled) scratch.symbols.push_back({fallback_symbols_[static_cast<unsigned char>(byte)], 1});
    return;
  }
  if (!options_.unk_token) return;  // the character is left out
  if (unk_id_ == Vocabulary::kNone) {
    throw Error(ErrorKind::kInvalidFile, "BPE",
                "the unk_token '" + *options_.unk_token + "' is not in the vocabulary, and the text needs it");
  }
  if (scratch.unk_pending && !options_.fuse_unk) scratch.symbols.push_back({unk_id_, scratch.unk_size});
  scratch.unk_size = static_cast<uint32_t>(size) + (scratch.unk_pending && options_.fuse_unk ? scratch.unk_size : 0);
  scratch.unk_pending = true;
}

void Bpe::add_symbols(std::string_view chunk, BpeScratch& scratch) const {
  scratch.symbols.clear();
  if (raw_bytes_) {
    for (char byte : chunk) scratch.symbols.push_back({byte_symbols_[static_cast<unsigned char>(byte)], 1});
    if (!chunk.empty()) scratch.symbols.back().id = last_byte_symbols_[static_cast<unsigned char>(chunk.back())];
    return;
  }
  scratch.unk_pending = false;
  const auto flush = [&] {
    if (scratch.unk_pending) scratch.symbols.push_back({unk_id_, scratch.unk_size});
    scratch.unk_pending = false;
  };
  for (size_t i = 0; i < chunk.size();) {
    const auto size = static_cast<size_t>(decode_utf8(chunk.substr(i)).size);
    const std::string_view character = chunk.substr(i, size);
    const bool first = i == 0, last = i + size == chunk.size();
    const int32_t id = symbol(character, first, last, scratch);
    if (id != Vocabulary::kNone) {
      flush();
      scratch.symbols.push_back({id, static_cast<uint32_t>(size)});
    } else {
      add_unknown_character(affixes_ ? std::string_view(scratch.spelled) : character, size, scratch);
    }
    i += size;
  }
  flush();
}

void Bpe::encode_chunk(std::string_view chunk, BpeScratch& scratch) const {
  add_symbols(chunk, scratch);
  if (merges_.empty()) return;
  if (options_.dropout.value_or(0.0f) > 0.0f) {
    merge_with_dropout(scratch.symbols, merges_, *options_.dropout);
  } else if (scratch.symbols.size() <= kShortWord) {
    merge_short_word(scratch.symbols, merges_, scratch.pairs);
  } else {
    scratch.long_word.merge(scratch.symbols, merges_);
  }
}

bool Bpe::whole_piece(std::string_view piece, BpeScratch& scratch, int32_t& id) const {
  if (!options_.ignore_merges || options_.dropout.value_or(0.0f) > 0.0f) return false;
  std::string_view spelled = piece;
  if (raw_bytes_) {
    if (piece.size() > vocabulary_.max_token_size()) return false;
    scratch.spelled.clear();
    for (char byte : piece) append_utf8(scratch.spelled, byte_to_character(static_cast<unsigned char>(byte)));
    spelled = scratch.spelled;
  }
  id = vocabulary_.find(spelled);
  return id != Vocabulary::kNone;
}

uint32_t Bpe::token_length(int32_t id, bool first) const {
  if (raw_bytes_) return raw_lengths_[id];
  const size_t size = vocabulary_.token(id).size();
  const size_t prefix = first || !options_.continuing_subword_prefix ? 0 : options_.continuing_subword_prefix->size();
  return static_cast<uint32_t>(size - std::min(size, prefix));
}

// Whether the tokens' lengths can be told from their ids; with unknown tokens and bytes they cannot.
bool Bpe::lengths_follow(std::string_view chunk, const BpeScratch& scratch) const {
  size_t total = 0;
  for (size_t i = 0; i < scratch.symbols.size(); ++i) {
    const BpeSymbol& symbol = scratch.symbols[i];
    total += symbol.size;
    if (i + 1 < scratch.symbols.size() && symbol.size != token_length(symbol.id, i == 0)) return false;
  }
  return total == chunk.size();
}

// Calls emit(chunk) for parts that no merge crosses.
template <class Emit>
void Bpe::for_each_chunk(std::string_view piece, Emit emit) const {
  size_t begin = 0;
  if (splits_words_) {
    size_t next = piece.find(kWordBegin);
    while (next != std::string_view::npos) {
      if (next > begin && !piece.substr(begin, next - begin).ends_with(kWordBegin)) {
        emit(piece.substr(begin, next - begin));
        begin = next;
      }
      next = piece.find(kWordBegin, next + kWordBegin.size());
    }
  }
  emit(piece.substr(begin));
}

// Encodes a chunk into scratch.symbols, or finds it in the cache: then the entry is returned. A chunk whose lengths are
// wanted counts as found only when they follow from the ids.
const WordCache::Entry* Bpe::find_or_encode(std::string_view chunk, bool lengths, BpeScratch& scratch) const {
  WordCache::Entry* entry = nullptr;
  if (caches() && WordCache::fits(chunk)) {
    bool found = false;
    entry = &scratch.cache.find(chunk, found);
    if (found && (!lengths || (entry->flags & kLengthsFollow))) return entry;
  }
  encode_uncached(chunk, scratch, entry);
  return nullptr;
}

// Encodes a chunk into scratch.symbols, and puts it into the cache entry, if that is not null.
void Bpe::encode_uncached(std::string_view chunk, BpeScratch& scratch, WordCache::Entry* entry) const {
  int32_t whole = 0;
  if (whole_piece(chunk, scratch, whole)) {
    scratch.symbols.assign(1, {whole, static_cast<uint32_t>(chunk.size())});
  } else {
    encode_chunk(chunk, scratch);
  }
  if (entry != nullptr && scratch.symbols.size() <= WordCache::kMaxTokens) {
    scratch.ids.clear();
    for (const BpeSymbol& symbol : scratch.symbols) scratch.ids.push_back(symbol.id);
    WordCache::put(*entry, chunk.size(), scratch.ids, lengths_follow(chunk, scratch) ? kLengthsFollow : 0);
  }
}

void Bpe::tokenize_ids(std::string_view piece, ModelScratch& base, std::vector<int32_t>& ids) const {
  if (piece.empty()) return;
  auto& scratch = static_cast<BpeScratch&>(base);
  for_each_chunk(piece, [&](std::string_view chunk) {
    if (const WordCache::Entry* entry = find_or_encode(chunk, false, scratch)) {
      for (size_t i = 0; i < entry->count; ++i) ids.push_back(entry->ids[i]);
    } else {
      for (const BpeSymbol& symbol : scratch.symbols) ids.push_back(symbol.id);
    }
  });
}

void Bpe::tokenize_all(std::span<const std::string_view> pieces, ModelScratch& base, std::vector<int32_t>& ids) const {
  if (splits_words_ || !caches()) return Model::tokenize_all(pieces, base, ids);
  auto& scratch = static_cast<BpeScratch&>(base);
  std::array<WordCache::Key, kAhead> keys;
  while (!pieces.empty()) {
    const auto batch = pieces.first(std::min(pieces.size(), kAhead));
    pieces = pieces.subspan(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!WordCache::fits(batch[i])) continue;
      keys[i] = WordCache::key_of(batch[i]);
      scratch.cache.prefetch(keys[i]);
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      WordCache::Entry* entry = nullptr;
      bool found = false;
      if (WordCache::fits(batch[i])) entry = &scratch.cache.find(keys[i], found);
      if (found) {
        for (size_t token = 0; token < entry->count; ++token) ids.push_back(entry->ids[token]);
      } else {
        encode_uncached(batch[i], scratch, entry);
        for (const BpeSymbol& symbol : scratch.symbols) ids.push_back(symbol.id);
      }
    }
  }
}

void Bpe::tokenize(std::string_view piece, ModelScratch& base, std::vector<ModelToken>& tokens) const {
  if (piece.empty()) return;
  auto& scratch = static_cast<BpeScratch&>(base);
  uint32_t begin = 0;  // lengths add up over chunks, as they do in one word of the reference
  for_each_chunk(piece, [&](std::string_view chunk) {
    if (const WordCache::Entry* entry = find_or_encode(chunk, true, scratch)) {
      const auto end = static_cast<uint32_t>(begin + chunk.size());
      for (size_t i = 0; i < entry->count; ++i) {
        const uint32_t next = i + 1 == entry->count ? end : begin + token_length(entry->ids[i], i == 0);
        tokens.push_back({entry->ids[i], begin, next});
        begin = next;
      }
      begin = end;
      return;
    }
    for (const BpeSymbol& symbol : scratch.symbols) {
      tokens.push_back({symbol.id, begin, begin + symbol.size});
      begin += symbol.size;
    }
  });
}

}  // namespace imago::tokenizers
