// Caches in few bits: how far the model's scores go from those with the plain cache, token by token.
#include <gtest/gtest.h>

#include <cmath>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/decoder_session.h"
#include "imago/generation/generate.h"

namespace imago {
namespace {

const std::string kModel = IMAGO_SOURCE_DIR "/assets/story";

std::vector<int64_t> prompt_ids() {
  std::vector<int64_t> ids = {0};
  for (int64_t i = 1; i < 120; ++i) ids.push_back(250 + i * i * 31 % 3000);
  return ids;
}

struct Distance {
  double kl = 0;
  int64_t agreed = 0, steps = 0;
};

// Mean divergence of the next token's distribution from the plain cache's, over a prompt and 60 single tokens.
Distance distance_of(const CausalLM& model, const std::string& cache_dtype) {
  const auto plain = causal_session(model, {}), packed = causal_session(model, {}, cache_dtype);
  const std::vector<int64_t> ids = prompt_ids();
  Distance distance;
  for (size_t begin = 0; begin < ids.size(); begin = begin == 0 ? 60 : begin + 1) {
    const size_t count = begin == 0 ? 60 : 1;
    const std::vector<int64_t> part(ids.begin() + static_cast<int64_t>(begin),
                                    ids.begin() + static_cast<int64_t>(begin + count));
    const Tensor input = Tensor::from(part, {1, static_cast<int64_t>(count)});
    const auto p = plain->step(input).to_vector<double>(), q = packed->step(input).to_vector<double>();
    const auto log_sum = [](const std::vector<double>& logits) {
      double sum = 0;
      for (const double value : logits) sum += std::exp(value - logits[0]);
      return logits[0] + std::log(sum);
    };
    const double p_sum = log_sum(p), q_sum = log_sum(q);
    for (size_t i = 0; i < p.size(); ++i) {
      distance.kl += std::exp(p[i] - p_sum) * ((p[i] - p_sum) - (q[i] - q_sum));
    }
    distance.agreed +=
        std::max_element(p.begin(), p.end()) - p.begin() == std::max_element(q.begin(), q.end()) - q.begin();
    ++distance.steps;
  }
  distance.kl /= static_cast<double>(distance.steps);
  return distance;
}

TEST(CacheDtype, ScoresStayNear) {
  const auto model = AutoModelForCausalLM::from_pretrained(kModel, {.dtype = DType::f32});
  const Distance f16 = distance_of(*model, "f16"), bf16 = distance_of(*model, "bf16"),
                 q8_0 = distance_of(*model, "q8_0"), q4_0 = distance_of(*model, "q4_0");
  EXPECT_LT(f16.kl, 1e-6);
  EXPECT_LT(bf16.kl, 1e-4);
  EXPECT_LT(q8_0.kl, 2e-4);
  EXPECT_LT(q4_0.kl, 0.05);
  EXPECT_GT(q4_0.kl, q8_0.kl);
  EXPECT_EQ(f16.agreed, f16.steps);
  EXPECT_GE(q8_0.agreed, q8_0.steps - 2);
  EXPECT_GE(q4_0.agreed, q4_0.steps * 3 / 4);
}

TEST(CacheDtype, IsAnOptionOfGeneration) {
  const auto model = AutoModelForCausalLM::from_pretrained(kModel, {.dtype = DType::f32});
  const Tensor prompt = Tensor::from<int64_t>({0, 2569, 657, 259, 525}, {1, 5});
  GenerationConfig config;
  config.max_new_tokens = 20;
  const auto plain = generate(*model, prompt, {}, config).sequences;
  config.update(parse_json(R"({"cache_dtype": "f16"})", "test"));
  EXPECT_EQ(generate(*model, prompt, {}, config).sequences, plain);
  config.num_beams = 3;  // whose rows change places
  config.cache_dtype = "q8_0";
  EXPECT_EQ(generate(*model, prompt, {}, config).sequences[0].size(), plain[0].size());
}

TEST(CacheDtype, NamesOfTheReference) {
  const auto dtype_of = [](const char* options) {
    return GenerationConfig::from_json(parse_json(options, "test")).cache_dtype;
  };
  EXPECT_EQ(dtype_of(R"({"cache_implementation": "quantized"})"), "q4_0");
  EXPECT_EQ(dtype_of(R"({"cache_implementation": "quantized", "cache_config": {"nbits": 8}})"), "q8_0");
  EXPECT_EQ(dtype_of(R"({"cache_implementation": "hybrid"})"), "");
  EXPECT_THROW(dtype_of(R"({"cache_implementation": "quantized", "cache_config": {"nbits": 2}})"), Error);
}

}  // namespace
}  // namespace imago
