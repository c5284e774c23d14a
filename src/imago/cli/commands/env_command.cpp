#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "imago/auto/auto_model.h"
#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/io/hub_cache.h"
#include "imago/kernels/cpu/targets.h"

namespace imago {
namespace {

std::vector<std::string> model_types() {
  std::vector<std::string> types;
  for (const Registry::Entry& entry : registry().entries()) {
    if (types.empty() || types.back() != entry.model_type) types.push_back(entry.model_type);
  }
  return types;
}

class EnvCommand final : public cli::Command {
 public:
  std::string name() const override { return "env"; }
  std::string description() const override { return "print what this build and this machine can do"; }
  std::string example() const override { return "imago env --json"; }
  void add_options(cli::Options& options) override { options.flag("--json", json_, "print as JSON"); }

  int run() override {
    utsname system{};
    ::uname(&system);
    Json facts;
    facts["imago"] = IMAGO_VERSION;
    facts["compiler"] = __VERSION__;
    facts["system"] = fmt::format("{} {} {}", system.sysname, system.release, system.machine);
    facts["instructions"] = kernels::active_target();
    facts["threads"] = num_threads();
    facts["memory_bytes"] = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
    facts["devices"] = Json::array({"cpu"});
    facts["hub_cache"] = hub_cache_folder();
    facts["model_types"] = model_types();
    if (json_) {
      fmt::print("{}\n", dump_json(facts, 2));
      return 0;
    }
    for (const auto& [key, value] : facts.items()) {
      fmt::print("{:<14} {}\n", key, value.is_string() ? value.get<std::string>() : dump_json(value));
    }
    return 0;
  }

 private:
  bool json_ = false;
};

}  // namespace

void register_env_command(CommandTable& table) { table.add(std::make_unique<EnvCommand>()); }

}  // namespace imago
