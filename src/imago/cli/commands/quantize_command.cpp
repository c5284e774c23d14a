#include <fmt/core.h>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/progress.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/export/divergence.h"
#include "imago/export/quantize.h"
#include "imago/export/quantize_folder.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {
namespace {

constexpr int64_t kMaxTextBytes = 64 << 20;

std::string format_value(const Json& value) {
  return value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : dump_json(value);
}

class QuantizeCommand final : public cli::Command {
 public:
  std::string name() const override { return "quantize"; }
  std::string description() const override {
    return "store a model's weights in fewer bits, with a receipt of what it costs";
  }
  std::string example() const override {
    return "imago quantize src/imago/generation/testdata/llama_q8_0.gguf small.gguf --method q4_0 --text README.md";
  }

  void add_options(cli::Options& options) override {
    options.option("model", model_, "a folder, a Hub id or a GGUF file").required();
    options.option("out", out_, "the GGUF file (.gguf), or the folder, to write").required();
    options
        .option(
            "--method", method_,
            "f32, f16, bf16; of a GGUF file q8_0, q6_k, q5_k, q4_k, q4_0, iq4_xs, mxfp4, ..., too; of a folder nf4, "
            "fp4, int8, fp8, gptq, awq")
        .required();
    options.option("--calibration", calibration_, "of gptq and awq: a text file whose tokens the model reads");
    options.option("--calibration-tokens", calibration_tokens_, "how much of it (default 16384 tokens)").positive();
    options.option("--bits", bits_, "of gptq: 2, 3, 4 (default) or 8").positive();
    options.option("--group-size", group_size_, "of gptq and awq: inputs with a common scale, 32, 64 or 128")
        .positive();
    options.flag("--asymmetric", asymmetric_, "of gptq: groups have a zero point of their own");
    options.flag("--desc-act", desc_act_, "of gptq: inputs are rounded in the order of their magnitude");
    options.option("--text", text_, "a text file on which both models are compared");
    options.option("--tokens", tokens_, "how much of the text to read (default 2048 tokens)").positive();
    options.option("--window", window_, "tokens that are read at once (default 256)").positive();
    options.flag("--json", json_, "print the receipt as JSON");
  }

  int run() override {
    model_ = resolve_checkpoint(model_);
    const QuantizeReport report = write();
    Json receipt = {{"method", method_},
                    {"bytes_before", report.bytes_before},
                    {"bytes_after", report.bytes_after},
                    {"bits_per_weight", report.bits_per_weight()},
                    {"weights_by_format", report.weights_by_format}};
    if (!report.left_out.empty()) receipt["left_out"] = report.left_out;
    if (!text_.empty()) add_divergence(receipt);
    if (json_) {
      fmt::print("{}\n", dump_json(receipt, 2));
    } else {
      for (const auto& [key, value] : receipt.items()) fmt::print("{:<20} {}\n", key, format_value(value));
    }
    return 0;
  }

 private:
  QuantizeReport write() const {
    Progress progress("quantizing", 0, "tensors");
    const auto advance = [&](size_t, size_t) { progress.advance(); };
    return out_.ends_with(".gguf") ? quantize_gguf(model_, out_, method_, advance)
                                   : quantize_folder(model_, out_, method_, folder_options(), advance);
  }

  std::vector<int64_t> ids_of(const std::string& file, int64_t limit) const {
    const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(model_);
    const auto encoded = tokenizer.tokenizer().encode(read_file(file, kMaxTextBytes)).ids;
    std::vector<int64_t> ids(encoded.begin(), encoded.end());
    if (static_cast<int64_t>(ids.size()) > limit) ids.resize(static_cast<size_t>(limit));
    return ids;
  }

  QuantizeFolderOptions folder_options() const {
    QuantizeFolderOptions options;
    options.calibrated = {.bits = bits_, .group_size = group_size_, .sym = !asymmetric_, .desc_act = desc_act_};
    options.calibration.window = window_;
    if (!calibration_.empty()) options.calibration.ids = ids_of(calibration_, calibration_tokens_);
    return options;
  }

  void add_divergence(Json& receipt) const {
    const std::vector<int64_t> ids = ids_of(text_, tokens_);
    const auto original = AutoModelForCausalLM::from_pretrained(model_);
    const auto changed = AutoModelForCausalLM::from_pretrained(out_);
    const Divergence divergence = compare_on_text(*original, *changed, ids, window_);
    receipt["tokens"] = divergence.tokens;
    receipt["kl_divergence"] = divergence.kl_divergence;
    receipt["top1_agreement"] = divergence.top1_agreement;
    receipt["perplexity_before"] = divergence.perplexity_before;
    receipt["perplexity_after"] = divergence.perplexity_after;
  }

  std::string model_, out_, method_, text_, calibration_;
  int64_t tokens_ = 2048, window_ = 256, calibration_tokens_ = 16384, bits_ = 4, group_size_ = 0;
  bool json_ = false, asymmetric_ = false, desc_act_ = false;
};

}  // namespace

void register_quantize_command(CommandTable& table) { table.add(std::make_unique<QuantizeCommand>()); }

}  // namespace imago
