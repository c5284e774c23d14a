
#include "imago/base/json.h"
#include "imago/export/calibrated_format.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/quant/gptq/gptq_encode.h"

namespace imago {
namespace {

// The sum of x^T x for each input.
class Hessians final : public InputSink {
 public:
  void add(const std::string& layer, const Tensor& x) override {
    const int64_t rows = x.size(0), in = x.size(1);
    Tensor& sum = sums[layer];
    if (!sum.defined()) sum = Tensor::zeros({in, in});
    kernels::Gemm<float, float, float> gemm;
    gemm.m = gemm.n = in;
    gemm.k = rows;
    gemm.a = gemm.b = x.const_data<float>();
    gemm.lda = gemm.ldb = gemm.ldc = in;
    gemm.transpose_a = true;
    gemm.c = sum.data<float>();
    gemm.accumulate = true;
    kernels::gemm(gemm);
  }
  std::map<std::string, Tensor> sums;
};

quant::GptqOptions gptq_options(const CalibratedOptions& options) {
  return {.bits = options.bits, .group_size = options.group_size, .sym = options.sym, .desc_act = options.desc_act};
}

bool fits_gptq(const Shape& shape, const CalibratedOptions& options) {
  return shape[1] % options.group_size == 0 && shape[0] * options.bits % 32 == 0;
}

void run_gptq(CalibratedRun& run) {
  for (LayerBlock& block : blocks_of(run.chosen)) {
    Hessians hessians;
    run_block(run.model, block, run.all, run.text, hessians);
    for (const std::string& layer : block.layers) {
      Tensor& weight = parameter_of(run.model, layer + ".weight");
      const auto input = block.input_of.find(layer);
      // An expert that no token was sent to is rounded to nearest.
      const Tensor hessian = input == block.input_of.end() ? Tensor::zeros({weight.size(1), weight.size(1)})
                                                           : hessians.sums.at(input->second);
      const quant::GptqTensors parts = quant::encode_gptq(weight, hessian, gptq_options(run.options)).tensors;
      run.made[layer] = {
          {".qweight", parts.qweight}, {".qzeros", parts.qzeros}, {".scales", parts.scales}, {".g_idx", parts.g_idx}};
      weight = quant::gptq_weight(parts, run.options.bits, /*zeros_less_one=*/true, weight.dtype());
      if (run.layer_done) run.layer_done();
    }
  }
}

Json gptq_config(const CalibratedOptions& options, const std::vector<std::string>&) {
  return {{"bits", options.bits},
          {"checkpoint_format", "gptq"},
          {"damp_percent", quant::GptqOptions().damp_percent},
          {"desc_act", options.desc_act},
          {"group_size", options.group_size},
          {"lm_head", false},
          {"quant_method", "gptq"},
          {"sym", options.sym},
          {"true_sequential", false}};
}

}  // namespace

CalibratedFormat gptq_format() { return {"gptq", fits_gptq, run_gptq, gptq_config}; }

}  // namespace imago
