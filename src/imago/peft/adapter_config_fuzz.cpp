// adapter_config.json from the Hub: any bytes give a configuration or an Error, and what is read is written and read
// again. Patterns of modules are matched, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/peft/adapter_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "adapter_config.json");
    const auto config = peft::read_adapter_config(json, "adapter_config.json");
    const bool targets = config->targets("model.layers.0.self_attn.q_proj");
    const auto again = peft::read_adapter_config(config->write(), "adapter_config.json");
    if (again->targets("model.layers.0.self_attn.q_proj") != targets) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
