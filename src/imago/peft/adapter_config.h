// What adapter_config.json says: the part that all kinds of adapters have.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/nn/torch_generator.h"
#include "imago/peft/adapter_part.h"
#include "imago/peft/module_selection.h"

namespace imago::peft {

// The layer that a part is made for.
struct LayerShape {
  std::string module;  // the reference's path of it
  nn::AdapterSlot::Kind kind;
  Tensor weight;  // [out, in] of a linear layer, perhaps encoded; [rows, out] of an embedding
  bool has_bias = false;
};

class AdapterConfig {
 public:
  virtual ~AdapterConfig() = default;

  std::optional<std::string> task_type, base_model_name_or_path, revision;
  bool inference_mode = false;
  ModuleSelection target_modules, exclude_modules;
  std::vector<std::string> modules_to_save;

  // Fills these and the kind's own fields from adapter_config.json. Throws Error kUnsupported for a key that is not
  // known to leave the arithmetic alone, and for a known one with a value that is not computed.
  void read(const Json& json, std::string_view where);
  // Under PEFT's names, in its order.
  Json write() const;

  // Whether the adapter is put on this module: chosen, and neither excluded nor one that is saved whole.
  bool targets(std::string_view module) const;
  bool is_saved_whole(std::string_view module) const;

  virtual std::string_view peft_type() const = 0;
  // "none", "all" (every bias of the model is trained) or "lora_only" (those of the layers it is on).
  virtual std::string_view trained_biases() const { return "none"; }
  // Fresh values; null where this kind has none for the layer. Throws Error kUnsupported for a layer it cannot be on.
  virtual std::shared_ptr<AdapterPart> make_part(const LayerShape& layer, TorchGenerator& random) const = 0;
  virtual std::unique_ptr<AdapterConfig> clone() const = 0;

 protected:
  // The kind's own keys: takes those it knows out of `keys`.
  virtual void read_own(Json& keys, std::string_view where) = 0;
  virtual void write_own(Json& json) const = 0;
  // A narrower choice than names say.
  virtual bool is_in_chosen_layer(std::string_view /*module*/) const { return true; }
};

// Reads the kind that peft_type names. Throws Error kUnsupported for others.
std::unique_ptr<AdapterConfig> read_adapter_config(const Json& json, std::string_view where);

// Names as JSON has them, in a list, or a pattern; null chooses nothing.
ModuleSelection read_selection(const Json& value, std::string_view where);
Json write_selection(const ModuleSelection& selection);

}  // namespace imago::peft
