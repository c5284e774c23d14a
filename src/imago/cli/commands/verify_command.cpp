#include "imago/verify/verify.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"

namespace imago {
namespace {

// JSON has no infinity; a string says it.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(fmt::format("{}", value)); }

Json to_json(const std::string& folder, const VerifyReport& report) {
  Json json = {{"folder", folder}, {"model_type", report.model_type}, {"auto_class", report.auto_class}};
  json["dtype"] = std::string(to_string(report.dtype));
  json["passed"] = report.passed();
  json["failed"] = report.failed();
  json["worst_ratio"] = number(report.worst_ratio());
  json["first_divergence"] = report.first_divergence.empty() ? Json() : Json(report.first_divergence);
  json["skipped"] = report.skipped;
  json["tensors"] = Json::array();
  for (const TensorCheck& check : report.checks) {
    Json row = {{"name", check.name}, {"passed", check.passed}, {"error", number(check.ours)}};
    row["reference_error"] = number(check.reference);
    row["allowed"] = number(check.allowed);
    if (!check.note.empty()) row["note"] = check.note;
    json["tensors"].push_back(std::move(row));
  }
  return json;
}

void print_table(const VerifyReport& report) {
  size_t width = 8;
  for (const TensorCheck& check : report.checks) width = std::max(width, check.name.size());
  fmt::print("{} {} in {}\n\n", report.model_type, report.auto_class, to_string(report.dtype));
  fmt::print("{:<{}}  {:>10}  {:>10}  {:>10}\n", "tensor", width, "our error", "reference", "allowed");
  for (const TensorCheck& check : report.checks) {
    fmt::print("{:<{}}  {:>10.2e}  {:>10.2e}  {:>10.2e}  {}{}{}\n", check.name, width, check.ours, check.reference,
               check.allowed, check.passed ? "ok" : "FAILED", check.note.empty() ? "" : ": ", check.note);
  }
  for (const std::string& skipped : report.skipped) fmt::print("skipped {}\n", skipped);
  if (!report.first_divergence.empty()) fmt::print("\nfirst divergence: {}\n", report.first_divergence);
  fmt::print("{} passed, {} failed\n", report.passed(), report.failed());
}

class VerifyCommand final : public cli::Command {
 public:
  std::string name() const override { return "verify"; }
  std::string description() const override {
    return "compare a model with what the reference computed, from a golden folder";
  }
  std::string example() const override { return "imago verify src/imago/models/llama/golden/causal_lm"; }

  void add_options(cli::Options& options) override {
    options.option("folder", folder_, "a checkpoint with golden.json and golden.safetensors").required();
    options.option("--dtype", dtype_, "compute in this dtype (default: the checkpoint's)");
    options.flag("--json", json_, "print the report as JSON");
  }

  int run() override {
    VerifyOptions options;
    if (!dtype_.empty()) options.dtype = parse_dtype(dtype_);
    const VerifyReport report = verify(folder_, options);
    if (json_) {
      fmt::print("{}\n", dump_json(to_json(folder_, report), 2));
    } else {
      print_table(report);
    }
    return report.failed() == 0 && !report.checks.empty() ? 0 : 1;
  }

 private:
  std::string folder_, dtype_;
  bool json_ = false;
};

}  // namespace

void register_verify_command(CommandTable& table) { table.add(std::make_unique<VerifyCommand>()); }

}  // namespace imago
