#include <fmt/core.h>
#include <unistd.h>

#include <charconv>
#include <limits>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/peak_memory.h"
#include "imago/base/thread_pool.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/cli/work_counter.h"
#include "imago/generation/decoder_session.h"
#include "imago/kernels/cpu/machine_limits.h"
#include "imago/nn/image_text_model.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// By the wall; or, with IMAGO_BENCH_CPU_TIME set, of this process's processor time, which compares single threads on a
// machine that others use.
double seconds_now() {
  static const clockid_t clock =
      std::getenv("IMAGO_BENCH_CPU_TIME") != nullptr ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_since(double start) { return seconds_now() - start; }

// Since the kernel started this process, to a clock tick (10 ms), rounded up.
double seconds_since_process_start() {
  const std::string stat = read_file("/proc/self/stat");
  std::string_view fields = std::string_view(stat).substr(stat.rfind(')') + 2);
  for (int skipped = 0; skipped < 19; ++skipped) fields.remove_prefix(fields.find(' ') + 1);
  const double start = std::stod(std::string(fields)) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 - start;
}

// Feeds `ids` behind the cache and gives the likeliest next token.
int64_t next_token(const CausalLM& model, KeyValueCache& cache, const std::vector<int64_t>& ids) {
  TextInputs inputs;
  inputs.input_ids = Tensor::from(ids, {1, static_cast<int64_t>(ids.size())});
  inputs.past_key_values = &cache;
  inputs.logits_to_keep = 1;
  const std::vector<float> logits = model.forward(inputs).logits.to_vector<float>();
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

class BenchCommand final : public cli::Command {
 public:
  std::string name() const override { return "bench"; }
  std::string description() const override {
    return "measure how fast a language model reads a prompt and writes tokens, or an encoder reads texts or pictures";
  }
  std::string example() const override { return "imago bench -m assets/story --prompt 512 --new 128"; }

  void add_options(cli::Options& options) override {
    options.option("-m,--model", model_, "a checkpoint's folder or Hub id").required();
    options.option("--prompt", prompt_, "tokens of the prompt (default 512)").positive();
    options.option("--new", new_, "tokens to write (default 128)").positive();
    options.option("--image", image_, "height and width of the pictures of a model that sees, as 224x224");
    options.option("--batch", batch_, "texts or pictures at once, of all but a language model (default 1)").positive();
    options.option("--repeat", repeat_, "runs, of which the best counts (default 3)").positive();
    options.option("--threads", threads_, "threads to compute on (default: all processors)");
    options.option("--dtype", dtype_, "compute in this dtype (default: the checkpoint's)");
    options.option("--cache-dtype", cache_dtype_,
                   "keep keys and values in f16, bf16, q8_0, q4_0, ... (default: as they are computed)");
    options.flag("--json", json_, "print as JSON");
  }

  int run() override {
    if (threads_ > 0) set_num_threads(threads_);
    PretrainedOptions options;
    if (!dtype_.empty()) options.dtype = parse_dtype(dtype_);
    const NoGrad no_grad;
    const double start = seconds_now();
    const auto model = model_from_pretrained(model_, {}, options);
    Json report = {{"model", model_}, {"threads", num_threads()}, {"load_seconds", seconds_since(start)}};
    if (const auto* causal = dynamic_cast<const CausalLM*>(model.get())) {
      report.update(of_language_model(*causal));
    } else if (const auto* translator = dynamic_cast<const Seq2SeqLM*>(model.get())) {
      report.update(of_translator(*translator));
    } else if (!image_.empty()) {
      report.update(of_image_model(*model));
    } else {
      report.update(of_encoder(*model));
    }
    print(report);
    return 0;
  }

 private:
  Json of_language_model(const CausalLM& model) const {
    {
      KeyValueCache cache = new_cache();
      next_token(model, cache, {1});
    }
    const double first_token = seconds_since_process_start();
    const int64_t memory = peak_memory_bytes();
    Rates best;
    // Alternating with the model, so that what else the machine does falls on both.
    double bandwidth = 0, gemm_peak = 0;
    for (int run = 0; run < repeat_; ++run) {
      measure(model, best);
      bandwidth = std::max(bandwidth, kernels::measure_read_bandwidth());
      gemm_peak = std::max(gemm_peak, kernels::measure_gemm_peak());
    }
    const double decode_bandwidth = best.bytes_per_token * best.decode,
                 prompt_speed = best.prompt_operations * best.prompt;
    return {{"prompt_tokens", prompt_},
            {"new_tokens", new_},
            {"prompt_tokens_per_second", best.prompt},
            {"prompt_gflops", prompt_speed * 1e-9},
            {"gemm_peak_gflops", gemm_peak * 1e-9},
            {"prompt_share_of_gemm_peak", prompt_speed / gemm_peak},
            {"decode_tokens_per_second", best.decode},
            {"decode_bytes_per_token", static_cast<int64_t>(best.bytes_per_token)},
            {"decode_gigabytes_per_second", decode_bandwidth * 1e-9},
            {"read_gigabytes_per_second", bandwidth * 1e-9},
            {"decode_share_of_read_bandwidth", decode_bandwidth / bandwidth},
            {"start_to_first_token_seconds", first_token},
            {"peak_memory_bytes", memory}};
  }

  KeyValueCache new_cache() const { return cache_dtype_.empty() ? KeyValueCache() : KeyValueCache(cache_dtype_); }

  // [batch, prompt] of some tokens.
  Tensor texts() const {
    std::vector<int64_t> ids;
    for (int64_t i = 0; i < batch_ * prompt_; ++i) ids.push_back(3 + i % 97);
    return Tensor::from(ids, {batch_, prompt_});
  }

  // The best of the runs.
  double seconds_of(const Model& model, const TensorMap& inputs) const {
    double seconds = std::numeric_limits<double>::infinity();
    for (int run = 0; run < repeat_; ++run) {
      const double start = seconds_now();
      model.run(inputs);
      seconds = std::min(seconds, seconds_since(start));
    }
    return seconds;
  }

  // Some pixels of three channels; a model that compares them with texts gets as many of those.
  Json of_image_model(const Model& model) const {
    const size_t middle = image_.find('x');
    int64_t height = 0, width = 0;
    const char* const end = image_.data() + image_.size();
    const bool good = middle != std::string::npos &&
                      std::from_chars(image_.data(), image_.data() + middle, height).ptr == image_.data() + middle &&
                      std::from_chars(image_.data() + middle + 1, end, width).ptr == end && height > 0 && width > 0;
    if (!good) {
      throw Error(ErrorKind::kInvalidArgument, "--image", "no height and width: \"" + image_ + "\"", "as 224x224");
    }
    std::vector<float> pixels(static_cast<size_t>(batch_ * 3 * height * width));
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i % 251) / 125 - 1;
    TensorMap inputs = {{"pixel_values", Tensor::from(pixels, {batch_, 3, height, width})}};
    if (dynamic_cast<const ImageTextModel*>(&model) != nullptr) inputs.emplace("input_ids", texts());
    const double seconds = seconds_of(model, inputs);
    return {{"batch", batch_},
            {"image", image_},
            {"images_per_second", static_cast<double>(batch_) / seconds},
            {"peak_memory_bytes", peak_memory_bytes()}};
  }

  Json of_encoder(const Model& model) const {
    const double seconds = seconds_of(model, {{"input_ids", texts()}});
    return {{"batch", batch_},
            {"tokens", prompt_},
            {"texts_per_second", static_cast<double>(batch_) / seconds},
            {"tokens_per_second", static_cast<double>(batch_ * prompt_) / seconds},
            {"peak_memory_bytes", peak_memory_bytes()}};
  }

  // Texts are encoded, and as many tokens are written for each.
  Json of_translator(const Seq2SeqLM& model) const {
    double seconds = std::numeric_limits<double>::infinity(), encoding = seconds;
    for (int run = 0; run < repeat_; ++run) {
      const double start = seconds_now();
      TextInputs read;
      read.input_ids = texts();
      const auto session = seq2seq_session(model, read);
      encoding = std::min(encoding, seconds_since(start));
      Tensor ids = Tensor::zeros({batch_, 1}, DType::i64);
      for (int64_t i = 0; i < new_; ++i) ids = unsqueeze(argmax(session->step(ids), -1), 1);
      seconds = std::min(seconds, seconds_since(start));
    }
    return {{"batch", batch_},
            {"prompt_tokens", prompt_},
            {"new_tokens", new_},
            {"encode_seconds", encoding},
            {"texts_per_second", static_cast<double>(batch_) / seconds},
            {"new_tokens_per_second", static_cast<double>(batch_ * new_) / seconds},
            {"peak_memory_bytes", peak_memory_bytes()}};
  }

  // Tokens per second, and what a token of the prompt costs to compute and one of the answer to read.
  struct Rates {
    double prompt = 0, prompt_operations = 0, decode = 0, bytes_per_token = 0;
  };

  void measure(const CausalLM& model, Rates& best) const {
    KeyValueCache cache = new_cache();
    std::vector<int64_t> prompt;
    for (int64_t i = 0; i < prompt_; ++i) prompt.push_back(3 + i % 97);
    const double prompt_tokens = static_cast<double>(prompt_), new_tokens = static_cast<double>(new_);
    int64_t token = 0;
    {
      const WorkCounter work;
      const double start = seconds_now();
      token = next_token(model, cache, prompt);
      best.prompt = std::max(best.prompt, prompt_tokens / seconds_since(start));
      best.prompt_operations = work.operations / prompt_tokens;
    }
    const WorkCounter work;
    const double start = seconds_now();
    for (int64_t i = 0; i < new_; ++i) token = next_token(model, cache, {token});
    best.decode = std::max(best.decode, new_tokens / seconds_since(start));
    best.bytes_per_token = static_cast<double>(work.bytes) / new_tokens;
  }

  void print(const Json& report) const {
    if (json_) return fmt::print("{}\n", dump_json(report, 2));
    for (const auto& [key, value] : report.items()) {
      fmt::print("{:<30} {}\n", key,
                 value.is_number_float() ? fmt::format("{:.3f}", value.get<double>()) : dump_json(value));
    }
  }

  std::string model_, dtype_, cache_dtype_, image_;
  int64_t prompt_ = 512, new_ = 128, batch_ = 1;
  int repeat_ = 3, threads_ = 0;
  bool json_ = false;
};

}  // namespace

void register_bench_command(CommandTable& table) { table.add(std::make_unique<BenchCommand>()); }

}  // namespace imago
