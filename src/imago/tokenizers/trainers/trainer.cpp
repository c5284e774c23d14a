#include "imago/tokenizers/trainers/trainer.h"

#include <algorithm>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/progress.h"
#include "imago/tokenizers/tokenizer_json.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago::tokenizers {
namespace {

// Texts are counted in batches: enough for all threads to have work, little enough to stay in the cache.
constexpr size_t kBatchBytes = size_t{1} << 22;

// Stages are not copied one by one: what is written as JSON is read again. So stages that finish() has changed for one
// model are as new for the next.
std::shared_ptr<TokenizerParts> copy_parts(const TokenizerParts& parts) {
  return read_tokenizer_json(write_tokenizer_json(parts, false), "tokenizer");
}

Tokenizer finish_training(TokenizerParts& parts, const Trainer& trainer, const WordCounts& words) {
  parts.model = trainer.train(words, *parts.model);
  std::vector<AddedToken> special = trainer.special_tokens();
  for (AddedToken& token : special) token.special = true;
  parts.added_vocabulary.add(special, *parts.model, parts.normalizer.get());
  return Tokenizer(copy_parts(parts));
}

// Calls visit(line) for each line with its ending.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const size_t size = newline == std::string_view::npos ? text.size() : newline + 1;
    visit(text.substr(0, size));
    text.remove_prefix(size);
  }
}

}  // namespace

AddedToken special_token(std::string content) {
  AddedToken token;
  token.content = std::move(content);
  token.normalized = false;
  token.special = true;
  return token;
}

Tokenizer train(const Tokenizer& untrained, const Trainer& trainer, TextSource next) {
  const std::shared_ptr<TokenizerParts> parts = copy_parts(untrained.parts());
  WordCounter counter(*parts);
  std::optional<Progress> progress;
  if (trainer.show_progress()) progress.emplace("reading", 0, "B");
  std::vector<std::string> texts;
  for (bool more = true; more;) {
    size_t bytes = 0;
    texts.clear();
    while (more && bytes < kBatchBytes) {
      std::string text;
      more = next(text);
      if (!more) break;
      bytes += text.size();
      texts.push_back(std::move(text));
    }
    counter.count(std::vector<std::string_view>(texts.begin(), texts.end()));
    if (progress) progress->advance(static_cast<int64_t>(bytes));
  }
  progress.reset();
  return finish_training(*parts, trainer, counter.finish());
}

Tokenizer train_from_files(const Tokenizer& untrained, const Trainer& trainer, std::span<const std::string> files) {
  const std::shared_ptr<TokenizerParts> parts = copy_parts(untrained.parts());
  std::vector<MappedFile> mapped;
  int64_t total = 0;
  for (const std::string& file : files) {
    mapped.push_back(MappedFile::open(file));
    total += static_cast<int64_t>(mapped.back().text().size());
  }
  WordCounter counter(*parts);
  std::optional<Progress> progress;
  if (trainer.show_progress()) progress.emplace("reading", total, "B");
  for (const MappedFile& file : mapped) {
    const ErrorScope scope(file.path());
    std::vector<std::string_view> lines;
    size_t bytes = 0;
    const auto flush = [&] {
      counter.count(lines);
      if (progress) progress->advance(static_cast<int64_t>(bytes));
      lines.clear();
      bytes = 0;
    };
    for_each_line(file.text(), [&](std::string_view line) {
      lines.push_back(line);
      bytes += line.size();
      if (bytes >= kBatchBytes) flush();
    });
    flush();
  }
  progress.reset();
  return finish_training(*parts, trainer, counter.finish());
}

}  // namespace imago::tokenizers
