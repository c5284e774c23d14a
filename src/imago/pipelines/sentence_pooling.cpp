// Pooling of sentence-transformers. B texts, T tokens, D numbers.
#include <fmt/format.h>

#include <array>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/heads/pooling.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/flip/flip.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"
#include "imago/pipelines/sentence_modules.h"

namespace imago {
namespace {

// The tokens of one call. Masks are [B, T], of 0 and 1.
struct Tokens {
  Tensor x_BTD;     // in float32 where the model is narrower
  Tensor mask;      // of those that count
  Tensor all_mask;  // of those and the prompt

  Tensor mask_BT1() const { return unsqueeze(cast(mask, x_BTD.dtype()), 2); }
};

// The position of the first 1 in each row, 0 where there is none: [B].
Tensor first_of(const Tensor& mask) { return argmax(mask, 1); }

Tensor quotient(const Tensor& sum_BD, const Tensor& weight_B1) { return sum_BD / clamp(weight_B1, 1e-9); }

Tensor pool_cls(const Tokens& t) { return nn::at_positions(t.x_BTD, first_of(t.mask)); }

Tensor pool_max(const Tokens& t) {
  return amax(masked_fill(t.x_BTD, unsqueeze(eq(t.mask, 0), 2), -std::numeric_limits<double>::infinity()), {1});
}

Tensor pool_mean(const Tokens& t) { return quotient(sum(t.x_BTD * t.mask_BT1(), {1}), sum(t.mask_BT1(), {1})); }

Tensor pool_mean_sqrt_len(const Tokens& t) {
  return sum(t.x_BTD * t.mask_BT1(), {1}) / sqrt(clamp(sum(t.mask_BT1(), {1}), 1e-9));
}

// The n-th token, its prompt counted, weighs n.
Tensor pool_weighted_mean(const Tokens& t) {
  const int64_t tokens = t.x_BTD.size(1);
  const Tensor ranks = reshape(Tensor::arange(1, static_cast<double>(tokens + 1)), {1, tokens});
  const Tensor weights = cast(ranks - unsqueeze(first_of(t.all_mask), 1), t.x_BTD.dtype());
  const Tensor weights_BT1 = unsqueeze(weights, 2) * t.mask_BT1();
  return quotient(sum(t.x_BTD * weights_BT1, {1}), sum(weights_BT1, {1}));
}

// Zeros where no token counts.
Tensor pool_last_token(const Tokens& t) {
  const Tensor behind = first_of(flip(t.mask, {1}));
  const Tensor empty = eq(amax(t.mask, {1}), 0);
  const Tensor zero = Tensor::zeros({}, DType::i64);
  const Tensor position = where(empty, zero, behind * -1.0 + static_cast<double>(t.x_BTD.size(1) - 1));
  return nn::at_positions(t.x_BTD * t.mask_BT1(), position);
}

struct Mode {
  const char* name;
  const char* legacy_key;  // early files have a truth value for each, in this order
  Tensor (*pool)(const Tokens&);
};

constexpr std::array kModes = {
    Mode{"cls", "pooling_mode_cls_token", pool_cls},
    Mode{"max", "pooling_mode_max_tokens", pool_max},
    Mode{"mean", "pooling_mode_mean_tokens", pool_mean},
    Mode{"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", pool_mean_sqrt_len},
    Mode{"weightedmean", "pooling_mode_weightedmean_tokens", pool_weighted_mean},
    Mode{"lasttoken", "pooling_mode_lasttoken", pool_last_token},
};

const Mode& mode_of(const std::string& name) {
  for (const Mode& mode : kModes) {
    if (name == mode.name) return mode;
  }
  throw Error(ErrorKind::kUnsupported, "Pooling", fmt::format("no pooling_mode \"{}\"", name),
              "there are cls, max, mean, mean_sqrt_len_tokens, weightedmean and lasttoken");
}

bool is_legacy_key(const std::string& key) {
  return std::any_of(kModes.begin(), kModes.end(), [&](const Mode& mode) { return key == mode.legacy_key; });
}

std::vector<Mode> read_modes(const Json& config) {
  std::vector<Mode> modes;
  if (const auto found = config.find("pooling_mode"); found != config.end()) {
    if (found->is_string()) return {mode_of(found->get<std::string>())};
    for (const Json& name : *found) modes.push_back(mode_of(name.get<std::string>()));
  } else {
    for (const Mode& mode : kModes) {
      if (config.value(mode.legacy_key, false)) modes.push_back(mode);
    }
  }
  return modes.empty() ? std::vector{mode_of("mean")} : modes;
}

class SentencePooling final : public SentenceModule {
 public:
  explicit SentencePooling(const Json& config)
      : modes_(read_modes(config)), include_prompt_(config.value("include_prompt", true)) {
    for (const auto& [key, value] : config.items()) {
      const bool size = key == "embedding_dimension" || key == "word_embedding_dimension";
      if (size) size_ = value.get<int64_t>();
      if (!size && key != "pooling_mode" && key != "include_prompt" && !is_legacy_key(key))
        throw Error(ErrorKind::kUnsupported, "Pooling", fmt::format("the key \"{}\" is not known", key));
    }
  }

  void apply(SentenceFeatures& features) const override {
    const Tensor& x = features.token_embeddings;
    if (size_ && x.size(2) != *size_) {
      throw Error(ErrorKind::kInvalidFile, "Pooling",
                  fmt::format("it is for vectors of {}, and the model gives {}", *size_, x.size(2)));
    }
    const Tokens tokens{widen(x), counting_mask(features), features.attention_mask};
    Tensors vectors;
    for (const Mode& mode : modes_) vectors.push_back(mode.pool(tokens));
    features.sentence_embedding = cast(concat(vectors, 1), x.dtype());
  }

 private:
  Tensor counting_mask(const SentenceFeatures& features) const {
    const Tensor& mask = features.attention_mask;
    if (include_prompt_ || features.prompt_length.value_or(0) == 0) return mask;
    const Tensor positions = reshape(Tensor::arange(0, static_cast<double>(mask.size(1))), {1, mask.size(1)});
    const Tensor begins = unsqueeze(first_of(mask), 1) + static_cast<double>(*features.prompt_length);
    return mask * cast(positions >= begins, mask.dtype());
  }

  std::vector<Mode> modes_;
  bool include_prompt_;
  std::optional<int64_t> size_;
};

}  // namespace

std::unique_ptr<SentenceModule> make_sentence_pooling(const Json& config) {
  try {
    return std::make_unique<SentencePooling>(config);
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, "Pooling", error.what());
  }
}

}  // namespace imago
