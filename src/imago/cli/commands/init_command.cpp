#include <fmt/core.h>

#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/auto/init_weights.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/io/save_checkpoint.h"

namespace imago {
namespace {

class InitCommand final : public cli::Command {
 public:
  std::string name() const override { return "init"; }
  std::string description() const override {
    return "write a checkpoint with random weights, for benchmarks and training";
  }
  std::string example() const override {
    return "imago init --config assets/story/config.json --seed 1 --dtype bf16 /tmp/random-story";
  }

  void add_options(cli::Options& options) override {
    options.option("output", output_, "the folder to write").required();
    options.option("--config", config_, "the config.json of the model").required();
    options.option("--seed", seed_, "of the random numbers (default 0)");
    options.option("--dtype", dtype_, "of the weights (default float32)");
  }

  int run() override {
    Json config = read_json(config_);
    const DType dtype = parse_dtype(dtype_);
    if (std::filesystem::exists(output_ + "/config.json")) {
      throw Error(ErrorKind::kInvalidArgument, "init", fmt::format("{} holds a model already", output_),
                  "choose another folder, or remove it");
    }
    const std::unique_ptr<Model> model = model_from_config(config);
    init_weights(*model, seed_, dtype);
    config["dtype"] = std::string(to_string(dtype));
    std::filesystem::create_directories(output_);
    save_checkpoint(output_, checkpoint_tensors(*model));
    write_file_atomically(output_ + "/config.json", dump_json(config, 2) + "\n");
    fmt::print("wrote {}\n", output_);
    return 0;
  }

 private:
  std::string output_, config_, dtype_ = "float32";
  uint64_t seed_ = 0;
};

}  // namespace

void register_init_command(CommandTable& table) { table.add(std::make_unique<InitCommand>()); }

}  // namespace imago
