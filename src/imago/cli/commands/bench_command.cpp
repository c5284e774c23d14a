#include <fmt/core.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

int64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
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
    return "measure how fast a language model reads a prompt and writes tokens";
  }
  std::string example() const override { return "imago bench -m assets/story --prompt 512 --new 128"; }

  void add_options(cli::Options& options) override {
    options.option("-m,--model", model_, "a checkpoint's folder or Hub id").required();
    options.option("--prompt", prompt_, "tokens of the prompt (default 512)").positive();
    options.option("--new", new_, "tokens to write (default 128)").positive();
    options.option("--repeat", repeat_, "runs, of which the best counts (default 3)").positive();
    options.option("--threads", threads_, "threads to compute on (default: all processors)");
    options.option("--dtype", dtype_, "compute in this dtype (default: the checkpoint's)");
    options.flag("--json", json_, "print as JSON");
  }

  int run() override {
    if (threads_ > 0) set_num_threads(threads_);
    PretrainedOptions options;
    if (!dtype_.empty()) options.dtype = parse_dtype(dtype_);
    const NoGrad no_grad;
    const auto start = std::chrono::steady_clock::now();
    const auto model = AutoModelForCausalLM::from_pretrained(model_, options);
    const double load = seconds_since(start);
    {
      KeyValueCache cache;
      next_token(*model, cache, {1});
    }
    const double first_token = seconds_since_process_start();
    double prompt_rate = 0, decode_rate = 0;
    for (int run = 0; run < repeat_; ++run) measure(*model, prompt_rate, decode_rate);

    const Json report = {{"model", model_},
                         {"threads", num_threads()},
                         {"prompt_tokens", prompt_},
                         {"new_tokens", new_},
                         {"prompt_tokens_per_second", prompt_rate},
                         {"decode_tokens_per_second", decode_rate},
                         {"load_seconds", load},
                         {"start_to_first_token_seconds", first_token},
                         {"peak_memory_bytes", peak_memory()}};
    if (json_) {
      fmt::print("{}\n", dump_json(report, 2));
    } else {
      for (const auto& [key, value] : report.items()) {
        fmt::print("{:<30} {}\n", key,
                   value.is_number_float() ? fmt::format("{:.3f}", value.get<double>()) : dump_json(value));
      }
    }
    return 0;
  }

 private:
  void measure(const CausalLM& model, double& prompt_rate, double& decode_rate) const {
    KeyValueCache cache;
    std::vector<int64_t> prompt;
    for (int64_t i = 0; i < prompt_; ++i) prompt.push_back(3 + i % 97);
    const auto start = std::chrono::steady_clock::now();
    int64_t token = next_token(model, cache, prompt);
    prompt_rate = std::max(prompt_rate, static_cast<double>(prompt_) / seconds_since(start));
    const auto decode_start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < new_; ++i) token = next_token(model, cache, {token});
    decode_rate = std::max(decode_rate, static_cast<double>(new_) / seconds_since(decode_start));
  }

  std::string model_, dtype_;
  int64_t prompt_ = 512, new_ = 128;
  int repeat_ = 3, threads_ = 0;
  bool json_ = false;
};

}  // namespace

void register_bench_command(CommandTable& table) { table.add(std::make_unique<BenchCommand>()); }

}  // namespace imago
