// fill-mask: the likeliest words for each mask token.
#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/log.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

struct FillMaskOptions {
  size_t top_k = 5;
  std::vector<int32_t> targets;  // empty: the whole vocabulary
  int64_t batch_size = 1;
  TextEncodeOptions encode;
};

class FillMaskPipeline final : public PipelineTask {
 public:
  explicit FillMaskPipeline(PipelineModel model) : model_(std::move(model)) {
    const auto mask = model_.tokenizer->mask_token_id();
    if (!mask) {
      throw Error(ErrorKind::kUnsupported, "fill-mask", "the tokenizer has no mask_token",
                  "choose a model that was trained with one");
    }
    mask_ = *mask;
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    const FillMaskOptions options = read_options(call.options);
    std::vector<Encoding> rows;
    for (const PipelineInput& input : call.inputs) {
      rows.push_back(encode_input(model_, input, options.encode));
      call.statistics.input_tokens += static_cast<int64_t>(rows.back().size());
      if (std::find(rows.back().ids.begin(), rows.back().ids.end(), mask_) == rows.back().ids.end()) {
        throw Error(ErrorKind::kInvalidArgument, "fill-mask", "the text has no mask token",
                    fmt::format("write {} where a word is missing", *model_.tokenizer->special_tokens().mask_token));
      }
    }
    const auto& model = dynamic_cast<const MaskedLM&>(*model_.model);
    std::vector<Json> answers(rows.size());
    for_each_batch(model_, "fill-mask", rows, options.batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     const Tensor logits = model.forward(inputs).logits;
                     for (size_t row = 0; row < indices.size(); ++row) {
                       const Tensor row_logits = select(logits, 0, static_cast<int64_t>(row));
                       answers[indices[row]] = answer(rows[indices[row]], row_logits, options);
                     }
                   });
    return answers;
  }

 private:
  FillMaskOptions read_options(const Json& json) const {
    FillMaskOptions options;
    OptionReader reader("fill-mask", json);
    options.top_k = static_cast<size_t>(reader.integer_from("top_k", 1, 5));
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    options.encode.truncation = reader.boolean("truncation").value_or(false);
    if (const auto targets = reader.texts("targets")) {
      options.targets = target_ids(*targets);
      options.top_k = std::min(options.top_k, options.targets.size());
    }
    reader.finish();
    return options;
  }

  // A target that is no token counts as the first token of its spelling.
  std::vector<int32_t> target_ids(const std::vector<std::string>& targets) const {
    const Tokenizer& tokenizer = model_.tokenizer->tokenizer();
    std::vector<int32_t> ids;
    for (const std::string& target : targets) {
      if (const auto id = tokenizer.token_to_id(target)) {
        ids.push_back(*id);
        continue;
      }
      const std::vector<int32_t> pieces = tokenizer.encode_ids(target, {.add_special_tokens = false});
      if (pieces.empty()) {
        log_warning(fmt::format("the target \"{}\" is not in the vocabulary: it is left out", target));
        continue;
      }
      log_warning(fmt::format("the target \"{}\" is not in the vocabulary: \"{}\" takes its place", target,
                              tokenizer.id_to_token(pieces[0]).value_or("")));
      ids.push_back(pieces[0]);
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (ids.empty())
      throw Error(ErrorKind::kInvalidArgument, "fill-mask", "none of the targets is in the vocabulary", "give others");
    return ids;
  }

  // One list of candidates, or a list of lists where the text has several masks.
  Json answer(const Encoding& row, const Tensor& logits, const FillMaskOptions& options) const {
    const bool single = std::count(row.ids.begin(), row.ids.end(), mask_) == 1;
    Json lists = Json::array();
    for (size_t position = 0; position < row.size(); ++position) {
      if (row.ids[position] != mask_) continue;
      const std::vector<float> scores = select(logits, 0, static_cast<int64_t>(position)).to_vector<float>();
      expect_finite(scores);
      lists.push_back(candidates(row, position, softmax_scores(scores), single, options));
    }
    return single ? lists[0] : lists;
  }

  Json candidates(const Encoding& row, size_t position, const std::vector<float>& probabilities, bool single,
                  const FillMaskOptions& options) const {
    if (options.top_k > probabilities.size()) {
      throw Error(ErrorKind::kInvalidArgument, "fill-mask",
                  fmt::format("top_k is {}, the vocabulary has {} tokens", options.top_k, probabilities.size()));
    }
    std::vector<float> scores = probabilities;
    if (!options.targets.empty()) {
      scores.clear();
      for (int32_t id : options.targets) scores.push_back(probabilities.at(static_cast<size_t>(id)));
    }
    Json list = Json::array();
    for (size_t index : largest(scores, options.top_k)) {
      const int64_t token = options.targets.empty() ? static_cast<int64_t>(index) : options.targets[index];
      std::vector<int64_t> ids(row.ids.begin(), row.ids.end());
      ids[position] = token;
      if (const auto pad = model_.tokenizer->pad_token_id()) std::erase(ids, *pad);
      Json candidate = {{"score", scores[index]}, {"token", token}};
      candidate["token_str"] = model_.tokenizer->decode(std::vector<int64_t>{token}, false);
      // With several masks the others are to be seen.
      candidate["sequence"] = model_.tokenizer->decode(ids, single);
      list.push_back(std::move(candidate));
    }
    return list;
  }

  PipelineModel model_;
  int32_t mask_;
};

}  // namespace

void register_fill_mask(PipelineTable& table) { table.add<FillMaskPipeline>("fill-mask", "AutoModelForMaskedLM"); }

}  // namespace imago
