#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/export/calibrated_format.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/quant/awq/awq_encode.h"
#include "imago/quant/awq/awq_weight.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

constexpr const char* kWhere = "awq";
constexpr int64_t kSamples = 512;  // rows of each input that are kept

// Layers of a block that multiply what `before` makes: a norm, or a linear layer through which a scale of its outputs
// passes unchanged. Scales of the inputs are taken out of there.
struct ScaledLayers {
  std::string_view before;
  std::vector<std::string_view> layers;
};

const std::vector<ScaledLayers>& scaled_layers() {
  static const std::vector<ScaledLayers> table = {
      {"input_layernorm", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
      {"self_attn.v_proj", {"self_attn.o_proj"}},
      {"post_attention_layernorm", {"mlp.gate_proj", "mlp.up_proj"}},
      {"mlp.up_proj", {"mlp.down_proj"}}};
  return table;
}

// The mean magnitude of each input and some of its rows.
class Magnitudes final : public InputSink {
 public:
  struct Input {
    std::vector<double> sums;
    int64_t rows = 0;
    std::vector<float> samples;
  };

  void add(const std::string& layer, const Tensor& x) override {
    const int64_t rows = x.size(0), in = x.size(1);
    Input& input = inputs[layer];
    input.sums.resize(static_cast<size_t>(in));
    const float* const from = x.const_data<float>();
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t k = 0; k < in; ++k) input.sums[static_cast<size_t>(k)] += std::abs(from[i * in + k]);
    }
    input.rows += rows;
    const int64_t room = kSamples - static_cast<int64_t>(input.samples.size()) / in;
    input.samples.insert(input.samples.end(), from, from + std::clamp<int64_t>(room, 0, rows) * in);
  }
  std::map<std::string, Input> inputs;
};

class Scaler {
 public:
  explicit Scaler(CalibratedRun& run) : run_(run) {}

  void treat(LayerBlock& block) {
    Magnitudes seen;
    run_block(run_.model, block, run_.all, run_.text, seen);
    std::map<std::string, std::vector<float>> scales;  // of inputs, by the path they were told under
    for (const ScaledLayers& rule : scaled_layers()) scale(rule, block, seen, scales);
    check(block, seen, scales);
    for (const std::string& layer : block.layers) {
      Tensor& weight = parameter_of(run_.model, layer + ".weight");
      const quant::AwqTensors parts = quant::encode_awq(weight, run_.options.group_size);
      run_.made[layer] = {{".qweight", parts.qweight}, {".qzeros", parts.qzeros}, {".scales", parts.scales}};
      weight = quant::awq_weight(parts.qweight, parts.qzeros, parts.scales, weight.dtype());
      if (run_.layer_done) run_.layer_done();
    }
  }

 private:
  static std::string ending(const LayerBlock& block, std::string_view suffix) {
    for (const std::string& layer : block.layers) {
      if (layer.ends_with(suffix) && layer[layer.size() - suffix.size() - 1] == '.') return layer;
    }
    return {};
  }

  void scale(const ScaledLayers& rule, const LayerBlock& block, const Magnitudes& seen,
             std::map<std::string, std::vector<float>>& scales) {
    std::vector<std::string> layers;
    for (const std::string_view suffix : rule.layers) layers.push_back(ending(block, suffix));
    if (std::find(layers.begin(), layers.end(), std::string()) != layers.end()) return;
    const std::string root = layers[0].substr(0, layers[0].size() - rule.layers[0].size());
    const std::string before = root + std::string(rule.before);
    Tensor& source = parameter_of(run_.model, before + ".weight");
    std::vector<Tensor> weights;
    for (const std::string& layer : layers) weights.push_back(parameter_of(run_.model, layer + ".weight"));
    if (source.size(0) != weights[0].size(1)) return;  // values that several heads share
    const auto told = block.input_of.find(layers[0]);
    if (told == block.input_of.end()) return;
    const Magnitudes::Input& input = seen.inputs.at(told->second);
    std::vector<float> means;
    for (const double sum : input.sums) means.push_back(static_cast<float>(sum / static_cast<double>(input.rows)));
    const auto in = static_cast<int64_t>(means.size());
    const Tensor samples = Tensor::from(input.samples, {static_cast<int64_t>(input.samples.size()) / in, in});
    const std::vector<float> factors = quant::awq_input_scales(weights, means, samples, run_.options.group_size);
    for (const std::string& layer : layers) {
      Tensor& weight = parameter_of(run_.model, layer + ".weight");
      weight = scaled(weight, factors, /*rows=*/false, /*divide=*/false);
    }
    source = scaled(source, factors, /*rows=*/true, /*divide=*/true);
    if (source.dim() == 2) {
      for_each_parameter(run_.model, [&](const std::string& path, Tensor& bias) {
        if (path == before + ".bias") bias = scaled(bias, factors, true, true);
      });
    }
    scales[told->second] = factors;
  }

  // Rows or columns times (or by) their factors, rounded to the dtype.
  static Tensor scaled(const Tensor& tensor, const std::vector<float>& factors, bool rows, bool divide) {
    const Tensor values = contiguous(cast(decode(tensor), DType::f32));
    Tensor result = Tensor::empty(values.shape());
    const int64_t columns = values.dim() == 2 ? values.size(1) : 1;
    for (int64_t i = 0; i < values.numel(); ++i) {
      const float factor = factors[static_cast<size_t>(rows ? i / columns : i % columns)];
      result.data<float>()[i] =
          divide ? values.const_data<float>()[i] / factor : values.const_data<float>()[i] * factor;
    }
    return cast(result, tensor.dtype());
  }

  // That scales went where they were meant to: the inputs are those from before, divided by them. A norm of another
  // kind under the same name would show here.
  void check(LayerBlock& block, const Magnitudes& seen, const std::map<std::string, std::vector<float>>& scales) {
    CalibrationText start = run_.text;
    start.ids.resize(
        std::min<size_t>(start.ids.size(), static_cast<size_t>(std::min<int64_t>(start.window, kSamples))));
    if (start.ids.size() < 2) return;
    Magnitudes now;
    run_block(run_.model, block, run_.all, start, now);
    for (const auto& [layer, input] : now.inputs) {
      const auto found = scales.find(layer);
      const std::vector<float>& before = seen.inputs.at(layer).samples;
      double error = 0, squares = 0;
      const size_t in = input.sums.size();
      for (size_t i = 0; i < std::min(input.samples.size(), before.size()); ++i) {
        const float factor = found == scales.end() ? 1 : found->second[i % in];
        error += std::pow(input.samples[i] * factor - before[i], 2);
        squares += std::pow(before[i], 2);
      }
      if (error > squares * 1e-3) {
        throw Error(ErrorKind::kUnsupported, kWhere,
                    fmt::format("the layers about {} do not pass a scale on as they would in Llama", layer));
      }
    }
  }

  CalibratedRun& run_;
};

bool fits_awq(const Shape& shape, const CalibratedOptions& options) {
  return shape[1] % options.group_size == 0 && shape[0] % 8 == 0;
}

void run_awq(CalibratedRun& run) {
  if (run.options.bits != 4) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} bits: awq has 4", run.options.bits));
  }
  Scaler scaler(run);
  for (LayerBlock& block : blocks_of(run.chosen)) scaler.treat(block);
}

Json awq_config(const CalibratedOptions& options, const std::vector<std::string>& kept) {
  return {{"bits", options.bits},
          {"group_size", options.group_size},
          {"modules_to_not_convert", kept},
          {"quant_method", "awq"},
          {"version", "gemm"},
          {"zero_point", true}};
}

}  // namespace

CalibratedFormat awq_format() { return {"awq", fits_awq, run_awq, awq_config}; }

}  // namespace imago
