// What goes into a model's linear layers, block by block.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "imago/export/linear_layers.h"
#include "imago/nn/model.h"

namespace imago {

// Tokens that a model reads, in windows, each without what went before.
struct CalibrationText {
  std::vector<int64_t> ids;
  int64_t window = 512;
};

// Takes what goes into layers.
class InputSink {
 public:
  virtual ~InputSink() = default;
  // x float32 [rows, in]. Layers with the very same input are told once, under the first one's path.
  virtual void add(const std::string& layer, const Tensor& x) = 0;
};

// Layers with a common number in their paths, such as those of one decoder layer.
struct LayerBlock {
  std::vector<std::string> layers;
  std::map<std::string, std::string> input_of;  // of each layer: the one under whose path the sink was told its input
};

// The layers (paths) in blocks, in their order.
std::vector<LayerBlock> blocks_of(const std::vector<std::string>& layers);

// Runs the model on the text up to the end of the block, telling `sink` what goes into its layers. `all` are the linear
// layers of the model: the run ends at the first of those behind the block. Throws Error kInvalidArgument for a text of
// fewer than two tokens.
void run_block(const Model& model, LayerBlock& block, const std::vector<LinearLayer>& all, const CalibrationText& text,
               InputSink& sink);

}  // namespace imago
