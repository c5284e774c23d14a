// Scores of pairs of texts, as rerankers of sentence-transformers give them.
//
//   auto model = imago::CrossEncoder::from_pretrained("path-or-id");
//   for (const auto& hit : model.rank("How many people live in Berlin?", documents, 3)) ... hit.corpus_id, hit.score
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imago/pipelines/pipeline.h"
#include "imago/tensor/tensor.h"

namespace imago {

struct CrossEncodeOptions {
  std::optional<std::string> prompt_name;    // one of the model's prompts
  std::optional<std::string> prompt;         // a text in front of each pair, whatever the model says
  std::optional<std::string> activation_fn;  // "sigmoid", "identity", ...; else what the folder says
  bool apply_softmax = false;                // over the scores of a pair, where there are several
  int64_t batch_size = 32;
};

struct RankedDocument {
  size_t corpus_id;  // its place in the list
  float score;
};

class CrossEncoder {
 public:
  // A sequence classifier, or a causal language model whose modules.json has a LogitScore behind it. Throws Error
  // kUnsupported naming what is not known, and what loading throws.
  static CrossEncoder from_pretrained(const std::string& path_or_id, const PipelineLoadOptions& options = {});
  ~CrossEncoder();
  CrossEncoder(CrossEncoder&&) noexcept;
  CrossEncoder& operator=(CrossEncoder&&) noexcept;

  // [pairs, labels] float32.
  Tensor predict(std::span<const std::pair<std::string, std::string>> pairs,
                 const CrossEncodeOptions& options = {}) const;
  // The best first, of equal ones the earlier. Throws Error kUnsupported for a model with several labels.
  std::vector<RankedDocument> rank(const std::string& query, std::span<const std::string> documents,
                                   std::optional<size_t> top_k = {}, const CrossEncodeOptions& options = {}) const;
  int64_t num_labels() const;

 private:
  struct Parts;
  explicit CrossEncoder(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace imago
