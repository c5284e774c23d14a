#include "imago/tokenizers/trainers/word_counts.h"

#include <algorithm>
#include <exception>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/pre_tokenized_string.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago::tokenizers {
namespace {

// Places of words are 32-bit numbers.
constexpr size_t kMaxWordBytes = size_t{1} << 31;

std::string spell_bytes(std::string_view bytes) {
  std::string spelled;
  spelled.reserve(bytes.size() * 2);
  for (char byte : bytes) append_utf8(spelled, byte_to_character(static_cast<unsigned char>(byte)));
  return spelled;
}

}  // namespace

void WordCounts::add(std::string_view word, uint64_t count) {
  const uint64_t hash = hash_bytes(word.data(), word.size());
  int32_t id = words_.find(word, hash);
  if (id == Vocabulary::kNone) {
    bytes_ += word.size();
    if (bytes_ > kMaxWordBytes) {
      throw Error(ErrorKind::kLimitExceeded, "trainer", "the different words of the text have more than 2 GiB",
                  "give the tokenizer a pre_tokenizer that cuts text into words");
    }
    id = static_cast<int32_t>(counts_.size());
    words_.add(word, id);
    counts_.push_back(0);
  }
  counts_[static_cast<size_t>(id)] += count;
}

std::vector<WordCounts::Word> WordCounts::sorted() const {
  std::vector<Word> words;
  words.reserve(size());
  for (size_t i = 0; i < size(); ++i) words.push_back({words_.token(static_cast<int32_t>(i)), counts_[i]});
  std::sort(words.begin(), words.end(), [](const Word& a, const Word& b) { return a.text < b.text; });
  return words;
}

WordCounter::WordCounter(TokenizerParts& parts)
    : parts_(parts),
      raw_bytes_(parts.pre_tokenizer && parts.pre_tokenizer->leave_bytes_raw()),
      workers_(static_cast<size_t>(num_threads())) {}

void WordCounter::count_text(std::string_view text, Worker& worker) const {
  if (!is_valid_utf8(text)) throw Error(ErrorKind::kInvalidArgument, "trainer", "the text is not UTF-8");
  PreTokenizedString string(text, parts_.needs_alignments);
  pre_tokenize(parts_, string);
  string.for_each_block([&](std::span<const PreTokenizedString::Split> splits) {
    for (const PreTokenizedString::Split& split : splits) {
      const bool added = split.token_id != PreTokenizedString::kNoToken;
      (added ? worker.added_tokens : worker.pieces).add(string.text(split));
    }
  });
}

void WordCounter::count(std::span<const std::string_view> texts) {
  const size_t workers = workers_.size();
  std::vector<std::exception_ptr> errors(workers);
  parallel_for(static_cast<int64_t>(workers), 1, [&](int64_t begin, int64_t end) {
    for (auto worker = static_cast<size_t>(begin); worker < static_cast<size_t>(end); ++worker) {
      try {
        for (size_t i = worker; i < texts.size(); i += workers) count_text(texts[i], workers_[worker]);
      } catch (...) {
        errors[worker] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

WordCounts WordCounter::finish() {
  WordCounts all;
  for (const Worker& worker : workers_) {
    for (const WordCounts::Word& word : worker.pieces.sorted()) {
      all.add(raw_bytes_ ? spell_bytes(word.text) : std::string(word.text), word.count);
    }
    for (const WordCounts::Word& word : worker.added_tokens.sorted()) all.add(word.text, word.count);
  }
  return all;
}

}  // namespace imago::tokenizers
