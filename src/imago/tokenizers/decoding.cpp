#include <algorithm>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/tokenizer.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

std::string clean_up_tokenization(std::string_view text) {
  struct Rule {
    std::string_view from, to;
  };
  static constexpr Rule kRules[] = {{" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
                                    {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  std::string clean(text);
  for (const Rule& rule : kRules) clean = tokenizers::replace_all(clean, rule.from, rule.to);
  return clean;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, const DecodeOptions& options) const {
  const tokenizers::AddedVocabulary& added = parts_->added_vocabulary;
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (int32_t id : ids) {
    const std::string* in_added = added.id_to_token(id);
    const auto spelling = in_added ? std::optional<std::string_view>(*in_added) : parts_->model->spelling(id);
    if (!spelling) continue;
    std::string token(*spelling);
    const bool may_be_special = in_added != nullptr || !parts_->model->special_by_id();
    if (options.skip_special_tokens && may_be_special && added.is_special(token)) continue;
    tokens.push_back(std::move(token));
  }
  std::string text;
  if (parts_->decoder) {
    parts_->decoder->decode(tokens);
    for (const std::string& token : tokens) text += token;
  } else {
    for (size_t i = 0; i < tokens.size(); ++i) text += (i > 0 ? " " : "") + tokens[i];
  }
  return options.clean_up_tokenization_spaces ? clean_up_tokenization(text) : text;
}

std::vector<std::string> Tokenizer::decode_batch(std::span<const std::vector<int32_t>> batch,
                                                 const DecodeOptions& options) const {
  std::vector<std::string> texts;
  texts.reserve(batch.size());
  for (const std::vector<int32_t>& ids : batch) texts.push_back(decode(ids, options));
  return texts;
}

DecodeStream::DecodeStream(Tokenizer tokenizer, DecodeOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

// The text of a few ids before the new one is kept as a prefix: how a token decodes depends on its neighbours to the
// left, but only on near ones. Text that ends in a replacement character waits for the rest of its bytes.
std::string DecodeStream::step(int32_t id) {
  if (prefix_.empty() && !ids_.empty()) {
    std::string prefix = tokenizer_.decode(ids_, options_);
    if (!prefix.ends_with(kReplacement)) {
      prefix_ = std::move(prefix);
      prefix_index_ = ids_.size();
    }
  }
  ids_.push_back(id);
  const std::string text = tokenizer_.decode(ids_, options_);
  if (text.size() <= prefix_.size() || text.ends_with(kReplacement)) return {};
  if (!text.starts_with(prefix_)) {
    throw Error(ErrorKind::kUnsupported, "decode stream",
                "the text of earlier tokens changed when token " + std::to_string(id) + " came",
                "this decoder does not stream; decode all ids at once");
  }
  std::string piece = text.substr(prefix_.size());
  const size_t next_prefix_index = ids_.size() - prefix_index_;
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<ptrdiff_t>(prefix_index_));
  prefix_ = tokenizer_.decode(ids_, options_);
  prefix_index_ = next_prefix_index;
  return piece;
}

}  // namespace imago
