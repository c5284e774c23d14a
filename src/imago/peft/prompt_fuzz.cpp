// adapter_config.json of learned prompts from the Hub: any bytes give a configuration or an Error, and what is read is
// written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/peft/prompt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "adapter_config.json");
    const auto config = peft::PromptConfig::read(json, "adapter_config.json");
    try {
      const auto again = peft::PromptConfig::read(config.write(), "adapter_config.json");
      if (again.peft_type != config.peft_type || again.num_virtual_tokens != config.num_virtual_tokens) std::abort();
    } catch (const Error&) {
      std::abort();  // what was read is not to be refused
    }
  } catch (const Error&) {
  }
  return 0;
}
