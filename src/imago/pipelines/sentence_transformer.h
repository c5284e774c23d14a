// Texts as vectors whose likeness is that of their meanings: folders of sentence-transformers, and any encoder.
//
//   auto model = imago::SentenceTransformer::from_pretrained("path-or-id");
//   imago::Tensor embeddings = model.encode({"A man is eating.", "Someone has a meal."});   // [2, D] float32
//   imago::Tensor scores = model.similarity(embeddings, embeddings);                         // [2, 2]
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imago/pipelines/pipeline.h"
#include "imago/pipelines/similarity.h"
#include "imago/tensor/tensor.h"

namespace imago {

struct SentenceEncodeOptions {
  std::optional<std::string> prompt_name;  // one of the model's prompts
  std::optional<std::string> prompt;       // a text in front of each text, whatever the model says
  std::optional<int64_t> truncate_dim;     // only so many numbers of each vector; else what the folder says
  bool normalize_embeddings = false;       // to length one, behind truncate_dim
  int64_t batch_size = 32;
};

class SentenceTransformer {
 public:
  // A folder with modules.json; of one without, the model with the mean over its tokens (a causal language model with
  // its last token). Throws Error kUnsupported naming what is not known, and what loading throws.
  static SentenceTransformer from_pretrained(const std::string& path_or_id, const PipelineLoadOptions& options = {});
  ~SentenceTransformer();
  SentenceTransformer(SentenceTransformer&&) noexcept;
  SentenceTransformer& operator=(SentenceTransformer&&) noexcept;

  // A row per text, [texts, D] float32. Texts are cut where the folder says. Throws Error kInvalidArgument for a
  // prompt_name that is not known, a truncate_dim below 1, and text that is not UTF-8.
  Tensor encode(std::span<const std::string> texts, const SentenceEncodeOptions& options = {}) const;
  Tensor encode(std::initializer_list<std::string> texts, const SentenceEncodeOptions& options = {}) const {
    return encode(std::span<const std::string>(texts.begin(), texts.size()), options);
  }
  // Of questions, with the prompt "query"; of what is to be found, with the prompt "document": where the options name
  // no other. A model that has no such prompt takes none.
  Tensor encode_query(std::span<const std::string> texts, SentenceEncodeOptions options = {}) const;
  Tensor encode_document(std::span<const std::string> texts, SentenceEncodeOptions options = {}) const;

  // As the folder says; cosine where it says nothing.
  SimilarityFunction similarity_function() const;
  Tensor similarity(const Tensor& a, const Tensor& b) const { return imago::similarity(similarity_function(), a, b); }

 private:
  struct Parts;
  explicit SentenceTransformer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace imago
