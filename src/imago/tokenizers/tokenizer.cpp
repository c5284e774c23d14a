#include "imago/tokenizers/tokenizer.h"

#include <algorithm>
#include <array>
#include <exception>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/thread_pool.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/literal_guard.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/pre_tokenized_string.h"
#include "imago/tokenizers/tokenizer_json.h"
#include "imago/tokenizers/tokenizer_parts.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago {
namespace {

using tokenizers::AddedVocabulary;
using tokenizers::LiteralGuard;
using tokenizers::ModelScratch;
using tokenizers::ModelToken;
using tokenizers::NormalizedString;
using tokenizers::PreTokenizedString;
using tokenizers::Vocabulary;

// Bytes of one text: places in it are 32-bit numbers, and a byte may be spelled with two.
constexpr size_t kMaxTextBytes = size_t{1} << 30;

// The model's buffers, for as long as one text is encoded.
class Scratch {
 public:
  explicit Scratch(const TokenizerParts& parts) : parts_(parts), scratch_(parts.scratch_pool.take(*parts.model)) {}
  ~Scratch() { parts_.scratch_pool.give_back(std::move(scratch_)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  operator ModelScratch&() { return *scratch_; }  // NOLINT(google-explicit-constructor)

 private:
  const TokenizerParts& parts_;
  std::unique_ptr<ModelScratch> scratch_;
};

void check_text(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorKind::kLimitExceeded, "tokenizer", "the text has " + std::to_string(text.size()) + " bytes",
                "cut it into parts of at most 1 GiB");
  }
  if (!is_valid_utf8(text)) throw Error(ErrorKind::kInvalidArgument, "tokenizer", "the text is not UTF-8");
}

}  // namespace

void pre_tokenize(const TokenizerParts& parts, PreTokenizedString& string, bool parse_special,
                  const LiteralText* literal) {
  const std::string_view text = string.original();
  const AddedVocabulary& added = parts.added_vocabulary;
  std::optional<LiteralGuard> guard;
  if (literal != nullptr) guard.emplace(*literal, parts);
  const auto refusal = [&](uint32_t offset, const NormalizedString* normalized) {
    return guard ? guard->of_piece(offset, normalized) : AddedVocabulary::Refusal();
  };
  const auto append_rest = [&](uint32_t offset, std::string_view piece, NormalizedString* normalized) {
    for (const AddedVocabulary::Range& range : added.find(piece, true, parse_special, refusal(offset, normalized))) {
      const int32_t id = range.id.value_or(PreTokenizedString::kNoToken);
      if (normalized && range.begin == 0 && range.end == piece.size()) {
        string.append_whole(std::move(*normalized), id);
      } else if (normalized) {
        string.append(*normalized, range.begin, range.end, id);
      } else {
        string.append_original(offset + range.begin, offset + range.end, id);
      }
    }
  };
  for (const AddedVocabulary::Range& range : added.find(text, false, parse_special, refusal(0, nullptr))) {
    const std::string_view piece = text.substr(range.begin, range.end - range.begin);
    if (!parts.normalizer) {
      range.id ? string.append_original(range.begin, range.end, *range.id) : append_rest(range.begin, piece, nullptr);
      continue;
    }
    NormalizedString normalized(piece, range.begin, string.tracked());
    if (range.id) {
      string.append(normalized, 0, range.end - range.begin, *range.id);
      continue;
    }
    parts.normalizer->normalize(normalized);
    append_rest(0, normalized.text(), &normalized);
  }
  if (parts.pre_tokenizer) parts.pre_tokenizer->pre_tokenize(string);
}

namespace {

// Counts characters: index[i] is the character that byte i belongs to. Empty for ASCII, where they are the same.
std::vector<uint32_t> character_index(std::string_view text) {
  if (is_ascii(text)) return {};
  std::vector<uint32_t> index(text.size());
  uint32_t character = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) ++character;
    index[i] = character;
  }
  return index;
}

Offsets to_characters(const std::vector<uint32_t>& index, Offsets bytes) {
  if (index.empty() || bytes.begin >= index.size()) return bytes;
  const uint32_t begin = index[bytes.begin];
  if (bytes.end < index.size()) return {begin, index[bytes.end]};
  const size_t last = static_cast<size_t>(bytes.end) - 1;
  return {begin, last < index.size() ? index[last] + 1 : begin + 2};
}

// Where a token of a piece comes from, in bytes of the original.
Offsets original_bytes(const PreTokenizedString& string, const PreTokenizedString::Split& split, uint32_t begin,
                       uint32_t end) {
  if (begin == end) return {split.original_begin + begin, split.original_begin + end};
  if (end > split.end - split.begin) return {begin, end};  // tokens longer than the piece, as the reference has it
  const tokenizers::Alignment where = string.align(split, begin, end);
  return {where.begin, where.end};
}

struct SequenceOptions {
  bool parse_special;
  const LiteralText* literal;
  int32_t type_id;
  std::optional<int32_t> word;  // of text that is split into words
};

Encoding encode_sequence(const TokenizerParts& parts, std::string_view text, const SequenceOptions& options) {
  check_text(text);
  PreTokenizedString string(text, true);
  pre_tokenize(parts, string, options.parse_special, options.literal);
  const std::vector<uint32_t> index = character_index(text);
  const Vocabulary& vocabulary = parts.model->vocabulary();
  Scratch scratch(parts);
  std::vector<ModelToken> tokens;
  Encoding encoding;
  const size_t expected = text.size() / 4 + 8;
  encoding.ids.reserve(expected);
  encoding.tokens.reserve(expected);
  encoding.offsets.reserve(expected);
  encoding.word_ids.reserve(expected);
  int32_t piece = 0;
  const auto tokenize = [&](const PreTokenizedString::Split& split) {
    const bool added = split.token_id != PreTokenizedString::kNoToken;
    tokens.clear();
    if (added) {
      tokens.push_back({split.token_id, 0, split.end - split.begin});
    } else if (options.literal != nullptr) {
      LiteralGuard(*options.literal, parts).tokenize(string, split, scratch, tokens);
    } else {
      parts.model->tokenize(string.text(split), scratch, tokens);
    }
    for (const ModelToken& token : tokens) {
      const bool as_text = added || parts.model->reports_text(token.id);
      encoding.ids.push_back(token.id);
      encoding.tokens.emplace_back(as_text ? string.text(split).substr(token.begin, token.end - token.begin)
                                           : vocabulary.token(token.id));
      encoding.offsets.push_back(to_characters(index, original_bytes(string, split, token.begin, token.end)));
      encoding.word_ids.push_back(options.word ? options.word : piece);
    }
    ++piece;
  };
  string.for_each_block([&](std::span<const PreTokenizedString::Split> splits) {
    for (const PreTokenizedString::Split& split : splits) tokenize(split);
  });
  encoding.type_ids.assign(encoding.size(), options.type_id);
  encoding.special_tokens_mask.assign(encoding.size(), 0);
  encoding.attention_mask.assign(encoding.size(), 1);
  return encoding;
}

// Where `done` bytes of a long text have filled the room there is, makes as much as the rest will need if it goes on
// like that. Doubling would copy the ids into fresh pages several times over.
void reserve_for_rest(size_t size, size_t done, size_t before, std::vector<int32_t>& ids) {
  constexpr size_t kLongText = size_t{1} << 16;
  constexpr size_t kBlock = 1024;  // ids that come before this is asked again, of most texts
  if (size < kLongText || done < kLongText / 8 || ids.capacity() - ids.size() > kBlock) return;
  const double share = static_cast<double>(size) / static_cast<double>(done);
  const auto expected = static_cast<size_t>(static_cast<double>(ids.size() - before) * share * 1.03);
  ids.reserve(std::max(before + expected + 2 * kBlock, ids.capacity() / 4 * 5));
}

void append_ids(const TokenizerParts& parts, std::string_view text, bool parse_special, const LiteralText* literal,
                std::vector<int32_t>& ids) {
  check_text(text);
  PreTokenizedString string(text, parts.needs_alignments || literal != nullptr);
  pre_tokenize(parts, string, parse_special, literal);
  Scratch scratch(parts);
  ids.reserve(ids.size() + text.size() / 4 + 8);
  constexpr size_t kBatch = 64;
  std::array<std::string_view, kBatch> pieces;
  size_t waiting = 0;
  const auto tokenize_pieces = [&] {
    parts.model->tokenize_all({pieces.data(), waiting}, scratch, ids);
    waiting = 0;
  };
  const size_t before = ids.size();
  string.for_each_block([&](std::span<const PreTokenizedString::Split> splits) {
    if (!splits.empty()) reserve_for_rest(string.text().size(), splits.front().begin, before, ids);
    for (const PreTokenizedString::Split& split : splits) {
      if (split.token_id == PreTokenizedString::kNoToken && literal == nullptr) {
        pieces[waiting++] = string.text(split);
        if (waiting == kBatch) tokenize_pieces();
        continue;
      }
      tokenize_pieces();
      if (split.token_id != PreTokenizedString::kNoToken) {
        ids.push_back(split.token_id);
      } else {
        std::vector<ModelToken> tokens;
        LiteralGuard(*literal, parts).tokenize(string, split, scratch, tokens);
        for (const ModelToken& token : tokens) ids.push_back(token.id);
      }
    }
  });
  tokenize_pieces();
}

// Truncates, adds special tokens, joins a pair.
Encoding post_process(const TokenizerParts& parts, Encoding first, std::optional<Encoding> second,
                      const EncodeOptions& options, const std::optional<Truncation>& truncation) {
  if (truncation) {
    Truncation limits = *truncation;
    const size_t added = parts.post_processor ? parts.post_processor->added_tokens(second.has_value()) : 0;
    if (options.add_special_tokens) {
      if (limits.max_length < added) {
        throw Error(ErrorKind::kInvalidArgument, "truncation",
                    "max_length " + std::to_string(limits.max_length) + " leaves no room for the " +
                        std::to_string(added) + " special tokens");
      }
      limits.max_length -= added;
    }
    truncate_encodings(first, second ? &*second : nullptr, limits);
  }
  std::vector<Encoding> encodings;
  encodings.push_back(std::move(first));
  if (second) encodings.push_back(std::move(*second));
  if (parts.post_processor) {
    for (size_t i = 0; i < encodings.size(); ++i) {
      encodings[i].set_sequence(i);
      for (Encoding& window : encodings[i].overflowing) window.set_sequence(i);
      encodings[i].type_ids.assign(encodings[i].size(), static_cast<int32_t>(i));
    }
    parts.post_processor->process(encodings, options.add_special_tokens);
  } else if (second) {
    for (size_t i = 0; i < encodings.size(); ++i) encodings[i].set_sequence(i);
  } else {
    return std::move(encodings[0]);
  }
  Encoding joined = std::move(encodings[0]);
  for (size_t i = 1; i < encodings.size(); ++i) joined.merge_with(std::move(encodings[i]));
  return joined;
}

const std::optional<Truncation>& truncation_of(const TokenizerParts& parts, const EncodeOptions& options) {
  return options.truncation ? options.truncation : parts.truncation;
}

const std::optional<Padding>& padding_of(const TokenizerParts& parts, const EncodeOptions& options) {
  return options.padding ? options.padding : parts.padding;
}

Encoding encode_without_padding(const TokenizerParts& parts, std::string_view text, const EncodeOptions& options) {
  const std::optional<Truncation>& truncation = truncation_of(parts, options);
  Encoding first = encode_sequence(parts, text, {options.parse_special_tokens, options.literal, 0, std::nullopt});
  std::optional<Encoding> second;
  if (options.pair) {
    second = encode_sequence(parts, *options.pair, {options.parse_special_tokens, nullptr, 1, std::nullopt});
  }
  return post_process(parts, std::move(first), std::move(second), options, truncation);
}

Encoding pad_one(const TokenizerParts& parts, Encoding encoding, const EncodeOptions& options) {
  const std::optional<Padding>& padding = padding_of(parts, options);
  if (!padding) return encoding;
  std::vector<Encoding> batch;
  batch.push_back(std::move(encoding));
  pad_encodings(batch, *padding);
  return std::move(batch[0]);
}

// Runs body(i) for each i on the pool; the first exception, by index, comes out.
template <class Body>
void for_each_in_parallel(size_t count, Body body) {
  std::vector<std::exception_ptr> errors(count);
  parallel_for(static_cast<int64_t>(count), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      try {
        body(static_cast<size_t>(i));
      } catch (...) {
        errors[static_cast<size_t>(i)] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<TokenizerParts> parts) : parts_(std::move(parts)) {}

Tokenizer Tokenizer::from_file(const std::string& path) {
  return Tokenizer(tokenizers::read_tokenizer_json(MappedFile::open(path).text(), path, true));
}

Tokenizer Tokenizer::from_json(std::string_view json, std::string_view where) {
  return Tokenizer(tokenizers::read_tokenizer_json(json, where));
}

TokenizerParts& Tokenizer::mutable_parts() {
  if (parts_.use_count() > 1) parts_ = std::make_shared<TokenizerParts>(*parts_);
  return *parts_;
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  return pad_one(*parts_, encode_without_padding(*parts_, text, options), options);
}

Encoding Tokenizer::encode_words(std::span<const std::string> words, const EncodeOptions& options) const {
  if (options.pair) {
    throw Error(ErrorKind::kInvalidArgument, "tokenizer", "words cannot be paired with a text that is not split");
  }
  const std::optional<Truncation>& truncation = truncation_of(*parts_, options);
  Encoding joined;
  for (size_t i = 0; i < words.size(); ++i) {
    joined.merge_with(
        encode_sequence(*parts_, words[i], {options.parse_special_tokens, nullptr, 0, static_cast<int32_t>(i)}));
  }
  return pad_one(*parts_, post_process(*parts_, std::move(joined), std::nullopt, options, truncation), options);
}

std::vector<Encoding> Tokenizer::encode_batch(std::span<const std::string> texts, const EncodeOptions& options) const {
  std::vector<Encoding> encodings(texts.size());
  for_each_in_parallel(texts.size(),
                       [&](size_t i) { encodings[i] = encode_without_padding(*parts_, texts[i], options); });
  if (const auto& padding = padding_of(*parts_, options)) pad_encodings(encodings, *padding);
  return encodings;
}

std::vector<Encoding> Tokenizer::encode_batch(std::span<const std::pair<std::string, std::string>> pairs,
                                              const EncodeOptions& options) const {
  std::vector<Encoding> encodings(pairs.size());
  for_each_in_parallel(pairs.size(), [&](size_t i) {
    EncodeOptions with_pair = options;
    with_pair.pair = pairs[i].second;
    encodings[i] = encode_without_padding(*parts_, pairs[i].first, with_pair);
  });
  if (const auto& padding = padding_of(*parts_, options)) pad_encodings(encodings, *padding);
  return encodings;
}

std::vector<int32_t> Tokenizer::encode_ids(std::string_view text, const EncodeOptions& options) const {
  const bool looks_at_tokens = parts_->post_processor && parts_->post_processor->looks_at_tokens();
  if (looks_at_tokens || truncation_of(*parts_, options) || padding_of(*parts_, options)) {
    return encode(text, options).ids;
  }
  std::vector<int32_t> ids;
  for (int32_t part : parts_->layout[options.pair.has_value()][options.add_special_tokens]) {
    if (part == TokenizerParts::kFirst) {
      append_ids(*parts_, text, options.parse_special_tokens, options.literal, ids);
    } else if (part == TokenizerParts::kSecond) {
      append_ids(*parts_, *options.pair, options.parse_special_tokens, nullptr, ids);
    } else {
      ids.push_back(part);
    }
  }
  return ids;
}

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  if (const auto id = parts_->added_vocabulary.token_to_id(token)) return id;
  const int32_t id = parts_->model->vocabulary().find(token);
  return id == Vocabulary::kNone ? std::nullopt : std::optional(id);
}

std::optional<std::string> Tokenizer::id_to_token(int32_t id) const {
  if (const std::string* added = parts_->added_vocabulary.id_to_token(id)) return *added;
  const auto spelling = parts_->model->spelling(id);
  return spelling ? std::optional(std::string(*spelling)) : std::nullopt;
}

size_t Tokenizer::vocab_size(bool with_added_tokens) const {
  size_t size = parts_->model->vocab_size();
  if (!with_added_tokens) return size;
  for (const auto& [content, id] : parts_->added_vocabulary.ids()) {
    if (parts_->model->vocabulary().find(content) == Vocabulary::kNone) ++size;
  }
  return size;
}

size_t Tokenizer::id_limit() const {
  const auto limit = static_cast<size_t>(parts_->model->vocabulary().id_limit());
  const auto& added = parts_->added_vocabulary.tokens();
  return added.empty() ? limit : std::max(limit, static_cast<size_t>(added.rbegin()->first) + 1);
}

std::vector<std::pair<std::string, int32_t>> Tokenizer::vocab(bool with_added_tokens) const {
  std::vector<std::pair<std::string, int32_t>> tokens;
  const Vocabulary& vocabulary = parts_->model->vocabulary();
  for (int32_t id = 0; id < vocabulary.id_limit(); ++id) {
    if (vocabulary.contains_id(id)) tokens.emplace_back(vocabulary.token(id), id);
  }
  if (with_added_tokens) {
    for (const auto& [content, id] : parts_->added_vocabulary.ids()) {
      if (vocabulary.find(content) != id) tokens.emplace_back(content, id);
    }
    std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  return tokens;
}

std::vector<AddedToken> Tokenizer::added_tokens() const {
  std::vector<AddedToken> tokens;
  for (const auto& [id, token] : parts_->added_vocabulary.tokens()) tokens.push_back(token);
  return tokens;
}

bool Tokenizer::is_special(int32_t id) const {
  const auto& tokens = parts_->added_vocabulary.tokens();
  const auto found = tokens.find(id);
  return found != tokens.end() && found->second.special;
}

size_t Tokenizer::add_tokens(std::span<const AddedToken> tokens) {
  TokenizerParts& parts = mutable_parts();
  return parts.added_vocabulary.add(tokens, *parts.model, parts.normalizer.get());
}

size_t Tokenizer::num_special_tokens_to_add(bool pair) const {
  return parts_->post_processor ? parts_->post_processor->added_tokens(pair) : 0;
}

const std::optional<Truncation>& Tokenizer::truncation() const { return parts_->truncation; }
const std::optional<Padding>& Tokenizer::padding() const { return parts_->padding; }
void Tokenizer::set_truncation(std::optional<Truncation> truncation) { mutable_parts().truncation = truncation; }
void Tokenizer::set_padding(std::optional<Padding> padding) { mutable_parts().padding = std::move(padding); }

void Tokenizer::set_dropout(float probability) {
  if (dynamic_cast<const tokenizers::Bpe*>(parts_->model.get()) == nullptr) {
    throw Error(ErrorKind::kUnsupported, "tokenizer", "dropout is for BPE models only");
  }
  if (!(probability >= 0.0f && probability <= 1.0f)) {
    throw Error(ErrorKind::kInvalidArgument, "tokenizer", "dropout is not between 0 and 1");
  }
  TokenizerParts& parts = mutable_parts();
  // Copies may share the model, and models are not copied: what can be written as JSON is read again.
  if (parts.model.use_count() > 1) parts.model = tokenizers::read_tokenizer_json(to_json(false), "tokenizer")->model;
  auto* bpe = dynamic_cast<tokenizers::Bpe*>(parts.model.get());
  bpe->set_dropout(probability);
  parts.scratch_pool.clear();
}

std::string Tokenizer::to_json(bool pretty) const { return tokenizers::write_tokenizer_json(*parts_, pretty); }

void Tokenizer::save(const std::string& path, bool pretty) const { write_file_atomically(path, to_json(pretty)); }

}  // namespace imago
