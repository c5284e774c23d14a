// Binding a checkpoint's tensors to a model's parameters, and writing them back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "imago/io/checkpoint.h"
#include "imago/nn/model.h"

namespace imago {

struct LoadOptions {
  std::optional<DType> dtype;  // of the floating-point parameters; none keeps the checkpoint's
  // Parameters that the checkpoint lacks stay without values, and are listed, instead of being an error: for giving a
  // new head to a trained model.
  bool allow_missing = false;
};

struct LoadReport {
  std::vector<std::string> missing;  // parameters without values; only with allow_missing
  std::vector<std::string> unused;   // tensors of heads that this model does not have
};

// Gives each parameter its tensor of the checkpoint, without a copy where dtype and layout allow. Parameters of a bare
// model are found in a checkpoint of a model with a head, and the other way round. Throws Error kInvalidFile with the
// list of all missing, unexpected and mismatched tensors.
LoadReport load_weights(Model& model, const Checkpoint& checkpoint, const LoadOptions& options = {});

// The parameters under the checkpoint's names and layouts, in the order of the fields; of tied ones the stored one.
NamedTensors checkpoint_tensors(Model& model);

// The same in the model's own layout, without copies: encoded ones stay so.
struct StoredParameter {
  std::string path, name;  // in the model and in the checkpoint
  Tensor tensor;
};
std::vector<StoredParameter> stored_parameters(Model& model);

// The checkpoint's name of a parameter.
std::string checkpoint_name(const WeightMap& map, const std::string& parameter);

// One parameter's tensor (its value or its gradient) as the checkpoint lays it out.
Tensor to_checkpoint_layout(const WeightMap& map, const std::string& parameter, const Tensor& tensor);

// A tensor under the reference's name for several parameters (see StackRule), made of what `find` gives for each of
// them; undefined parts are zeros. It gets the shape and type of `like`, or is undefined where no rule is of that name.
Tensor stacked_tensor(const WeightMap& map, const std::string& name, const Tensor& like,
                      const std::function<Tensor(const std::string& parameter)>& find);

}  // namespace imago
