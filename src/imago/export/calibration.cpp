#include "imago/export/calibration.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <span>

#include "imago/base/error.h"
#include "imago/nn/linear_observer.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// "model.layers.3" of "model.layers.3.mlp.up_proj"; the whole path where there is no number.
std::string block_name(const std::string& path) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (!part.empty() && part.find_first_not_of("0123456789") == std::string::npos) return path.substr(0, end);
    begin = end + 1;
  }
  return path;
}

struct EndOfBlock {};  // thrown through the model, whose further layers need not be computed

class BlockObserver final : public nn::LinearObserver {
 public:
  BlockObserver(LayerBlock& block, const std::set<std::string>& later, InputSink& sink)
      : block_(block), later_(later), sink_(sink) {}

  void observe(const nn::Linear& layer, const Tensor& x) override {
    if (later_.contains(layer.path)) throw EndOfBlock();
    if (std::find(block_.layers.begin(), block_.layers.end(), layer.path) == block_.layers.end()) return;
    for (const auto& [path, seen] : inputs_) {
      if (!seen.is_same(x)) continue;
      block_.input_of.emplace(layer.path, path);
      if (block_.input_of.at(layer.path) == path) return;
    }
    if (block_.input_of.emplace(layer.path, layer.path).first->second != layer.path) {
      throw Error(
          ErrorKind::kUnsupported, "calibration",
          fmt::format("what goes into {} is not always what goes into {}", layer.path, block_.input_of.at(layer.path)));
    }
    inputs_.emplace_back(layer.path, x);
    const Tensor rows = contiguous(cast(x, DType::f32));
    const int64_t in = x.size(-1), count = rows.numel() / in;
    sink_.add(layer.path, rows.alias({count, in}, {in, 1}, rows.offset()));
  }

 private:
  LayerBlock& block_;
  const std::set<std::string>& later_;
  InputSink& sink_;
  std::vector<std::pair<std::string, Tensor>> inputs_;  // of this run; kept, so that none takes another's place
};

}  // namespace

std::vector<LayerBlock> blocks_of(const std::vector<std::string>& layers) {
  std::vector<LayerBlock> blocks;
  std::vector<std::string> names;
  for (const std::string& layer : layers) {
    const std::string name = block_name(layer);
    if (names.empty() || names.back() != name) {
      names.push_back(name);
      blocks.emplace_back();
    }
    blocks.back().layers.push_back(layer);
  }
  return blocks;
}

void run_block(const Model& model, LayerBlock& block, const std::vector<LinearLayer>& all, const CalibrationText& text,
               InputSink& sink) {
  const auto count = static_cast<int64_t>(text.ids.size());
  if (count < 2 || text.window < 1) {
    throw Error(ErrorKind::kInvalidArgument, "calibration", fmt::format("{} tokens are no text", count));
  }
  std::set<std::string> later;
  bool behind = false;
  const std::string name = block_name(block.layers.back());
  for (const LinearLayer& layer : all) {
    if (behind && block_name(layer.path) != name) later.insert(layer.path);
    behind = behind || layer.path == block.layers.back();
  }
  const NoGrad no_grad;
  for (int64_t first = 0; first < count; first += text.window) {
    const int64_t size = std::min(text.window, count - first);
    const Tensor ids =
        Tensor::from(std::span(text.ids).subspan(static_cast<size_t>(first), static_cast<size_t>(size)), {1, size});
    BlockObserver observer(block, later, sink);
    try {
      model.run({{"input_ids", ids}});
    } catch (const EndOfBlock&) {
    }
  }
}

}  // namespace imago
