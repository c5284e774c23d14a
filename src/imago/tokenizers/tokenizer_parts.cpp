#include "imago/tokenizers/tokenizer_parts.h"

#include "imago/tokenizers/models/bpe.h"

namespace imago {

std::unique_ptr<tokenizers::ModelScratch> TokenizerParts::ScratchPool::take(const tokenizers::Model& owner) {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto scratch = std::move(free_.back());
      free_.pop_back();
      return scratch;
    }
  }
  return owner.make_scratch();
}

void TokenizerParts::ScratchPool::give_back(std::unique_ptr<tokenizers::ModelScratch> used) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(used));
}

void TokenizerParts::ScratchPool::clear() {
  const std::lock_guard lock(mutex_);
  free_.clear();
}

void TokenizerParts::finish() {
  bool rewritten = normalizer != nullptr;
  needs_alignments = pre_tokenizer != nullptr && pre_tokenizer->needs_alignments(rewritten);
  auto* bpe = dynamic_cast<tokenizers::Bpe*>(model.get());
  if (bpe != nullptr && pre_tokenizer != nullptr && bpe->can_use_raw_bytes() && pre_tokenizer->leave_bytes_raw()) {
    bpe->use_raw_bytes();
  }
  find_layout();
}

void TokenizerParts::replace_post_processor(std::shared_ptr<const tokenizers::PostProcessor> processor) {
  post_processor = std::move(processor);
  find_layout();
}

void TokenizerParts::find_layout() {
  for (const bool pair : {false, true}) {
    for (const bool special : {false, true}) {
      std::vector<Encoding> encodings(pair ? 2 : 1);
      encodings[0].append_token(kFirst, {}, {}, {}, 0);
      if (pair) encodings[1].append_token(kSecond, {}, {}, {}, 0);
      if (post_processor) post_processor->process(encodings, special);
      std::vector<int32_t>& ids = layout[pair][special];
      ids.clear();
      for (const Encoding& encoding : encodings) ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    }
  }
}

}  // namespace imago
