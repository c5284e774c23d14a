#include <fmt/format.h>

#include <map>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/io/checkpoint.h"

namespace imago {
namespace {

// Which heads of this model type the build has, or why it has none.
Json support(const Json& config) {
  Json heads = Json::array();
  try {
    model_from_config(config);
    const std::string model_type = config.value("model_type", std::string());
    for (const Registry::Entry& entry : registry().entries()) {
      if (entry.model_type == model_type) heads.push_back(entry.architecture);
    }
  } catch (const Error& error) {
    return {{"supported", false}, {"why", error.what()}};
  }
  return {{"supported", true}, {"heads", std::move(heads)}};
}

class InspectCommand final : public cli::Command {
 public:
  std::string name() const override { return "inspect"; }
  std::string description() const override {
    return "list what a checkpoint holds and whether it is supported; reads no weights";
  }
  std::string example() const override { return "imago inspect assets/story"; }

  void add_options(cli::Options& options) override {
    options.option("model", model_, "a checkpoint's folder, Hub id or GGUF file").required();
    options.flag("--tensors", tensors_, "list every tensor");
    options.flag("--json", json_, "print as JSON");
  }

  int run() override {
    const std::string folder = resolve_checkpoint(model_);
    const Json config = read_checkpoint_config(folder);
    const Checkpoint checkpoint = open_checkpoint(folder);
    std::map<std::string, int64_t> by_dtype;
    Json list = Json::array();
    int64_t parameters = 0;
    for (const std::string& name : checkpoint.names()) {
      const TensorInfo& info = checkpoint.info(name);
      parameters += info.shape.product();
      const std::string dtype(info.format.empty() ? to_string(info.dtype) : info.format);
      by_dtype[dtype] += info.shape.product();
      list.push_back(
          {{"name", name}, {"dtype", dtype}, {"shape", std::vector<int64_t>(info.shape.begin(), info.shape.end())}});
    }
    Json facts = {{"folder", folder}, {"model_type", config.value("model_type", std::string())}};
    facts["architectures"] = config.value("architectures", Json::array());
    facts["tensors"] = static_cast<int64_t>(checkpoint.names().size());
    facts["parameters"] = parameters;
    facts["parameters_by_dtype"] = by_dtype;
    facts["bytes"] = checkpoint.bytes();
    facts.update(support(config));
    if (json_) {
      if (tensors_) facts["list"] = std::move(list);
      fmt::print("{}\n", dump_json(facts, 2));
    } else {
      print(facts, list);
    }
    return 0;
  }

 private:
  void print(const Json& facts, const Json& list) const {
    for (const auto& [key, value] : facts.items()) {
      fmt::print("{:<20} {}\n", key, value.is_string() ? value.get<std::string>() : dump_json(value));
    }
    if (!tensors_) return;
    fmt::print("\n");
    for (const Json& row : list) {
      fmt::print("{:<10} {:<18} {}\n", row["dtype"].get<std::string>(), dump_json(row["shape"]),
                 row["name"].get<std::string>());
    }
  }

  std::string model_;
  bool tensors_ = false, json_ = false;
};

}  // namespace

void register_inspect_command(CommandTable& table) { table.add(std::make_unique<InspectCommand>()); }

}  // namespace imago
