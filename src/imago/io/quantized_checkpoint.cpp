#include "imago/io/quantized_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/quant/awq/awq_weight.h"
#include "imago/quant/bitnet/bitnet_matrix.h"
#include "imago/quant/codebook/codebooks.h"
#include "imago/quant/compressed_tensors/packed_weight.h"
#include "imago/quant/gptq/gptq_weight.h"
#include "imago/quant/int8_activations/int8_matrix.h"

namespace imago {
namespace {

constexpr const char* kWhere = "quantization_config";
constexpr int64_t kMaxStateBytes = 1 << 16;

// What a key has, of its type; `missing` where there is none.
template <class T>
T value_of(const Json& config, const char* key, const T& missing) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return missing;
  try {
    return found->template get<T>();
  } catch (const JsonError&) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("{} is {}", key, quote(dump_json(*found))));
  }
}

[[noreturn]] void refuse(std::string what, std::string hint = "") {
  throw Error(ErrorKind::kUnsupported, kWhere, std::move(what), std::move(hint));
}

class Assembler {
 public:
  Assembler(const Checkpoint& checkpoint, const Json& config) : from_(checkpoint), config_(config) {}

  Checkpoint run() {
    const auto method = value_of<std::string>(config_, "quant_method", "");
    if (method == "bitsandbytes") {
      bitsandbytes();
    } else if (method == "gptq") {
      gptq();
    } else if (method == "awq") {
      awq();
    } else if (method == "fp8") {
      fp8();
    } else if (method == "compressed-tensors") {
      compressed_tensors();
    } else if (method == "bitnet") {
      bitnet();
    } else if (method != "mxfp4") {  // whose model takes its parts as they are
      refuse(fmt::format("the method {} is not known", quote(method)),
             "known are awq, bitnet, bitsandbytes, compressed-tensors, fp8, gptq and mxfp4");
    }
    find_dtype();
    for (Checkpoint::Made& made : made_) made.info.dtype = *dtype_;
    return from_.with(std::move(made_), parts_);
  }

 private:
  // Encoded weights stand for values of the type that the model computes in, which the checkpoint's other tensors have:
  // none of the methods says.
  void find_dtype() {
    const std::set<std::string_view> parts(parts_.begin(), parts_.end());
    for (const std::string& name : from_.names()) {
      const DType dtype = from_.info(name).dtype;
      if (parts.contains(name) || (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::bf16)) continue;
      *dtype_ = dtype;
      return;
    }
  }

  // Calls each(layer) for every tensor whose name ends so; `layer` is what comes before.
  template <class Each>
  void for_each_ending(std::string_view ending, Each each) {
    for (const std::string& name : from_.names()) {
      if (name.ends_with(ending)) each(name.substr(0, name.size() - ending.size()));
    }
  }

  // The tensor becomes part of another.
  std::string take(const std::string& name) {
    if (!from_.contains(name)) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("there is no tensor {}", quote(name)));
    }
    parts_.push_back(name);
    return name;
  }

  void add(const std::string& name, const Shape& shape, std::string_view format, std::function<Tensor(DType)> make) {
    TensorInfo info;
    info.shape = shape;
    info.format = format;
    info.as_parameter = true;
    made_.push_back({name, info, [name, make = std::move(make), dtype = dtype_] {
                       const ErrorScope scope(name);
                       return make(*dtype);
                     }});
  }

  int64_t size(const std::string& name, int dim) const {
    const Shape& shape = from_.info(name).shape;
    if (shape.size() != 2) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("tensor {} is {}", quote(name), shape.to_string()));
    }
    return shape[static_cast<size_t>(dim)];
  }

  void bitsandbytes() {
    for (const char* type : {"nf4", "fp4"}) {
      for_each_ending(fmt::format(".quant_state.bitsandbytes__{}", type),
                      [&](const std::string& weight) { four_bits(weight, type); });
    }
    for_each_ending(".SCB", [&](const std::string& layer) {
      const std::string weight = take(layer + ".weight"), largest = take(layer + ".SCB");
      if (from_.contains(layer + ".weight_format")) take(layer + ".weight_format");
      add(weight, from_.info(weight).shape, "int8", [from = from_, weight, largest](DType dtype) {
        return quant::int8_weight(from.tensor(weight), from.tensor(largest), dtype);
      });
    });
  }

  // What the state says, as JSON in bytes.
  Json state_of(const std::string& name) const {
    const TensorInfo& info = from_.info(name);
    if (info.dtype != DType::u8 || info.shape.product() > kMaxStateBytes) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("tensor {} is no text", quote(name)));
    }
    const std::vector<uint8_t> text = from_.tensor(name).to_vector<uint8_t>();
    return parse_json(std::string(text.begin(), text.end()), name);
  }

  void four_bits(const std::string& weight, std::string_view type) {
    const Json state = state_of(take(fmt::format("{}.quant_state.bitsandbytes__{}", weight, type)));
    const auto shape = value_of<std::vector<int64_t>>(state, "shape", {});
    if (shape.size() != 2 || shape[0] < 0 || shape[1] < 1) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("{} has the shape {}", weight, fmt::join(shape, ", ")));
    }
    quant::FourBitTensors facts;
    facts.block = value_of<int64_t>(state, "blocksize", 64);
    facts.nested_block = value_of<int64_t>(state, "nested_blocksize", 256);
    facts.nested_offset = value_of<float>(state, "nested_offset", 0);
    take(weight);
    take(weight + ".absmax");
    take(weight + ".quant_map");
    const bool nested = from_.contains(weight + ".nested_absmax");
    if (nested) {
      take(weight + ".nested_absmax");
      take(weight + ".nested_quant_map");
    }
    add(weight, {shape[0], shape[1]}, type, [from = from_, weight, facts, nested, type, shape](DType dtype) {
      quant::FourBitTensors tensors = facts;
      tensors.codes = from.tensor(weight);
      tensors.absmax = from.tensor(weight + ".absmax");
      tensors.values = from.tensor(weight + ".quant_map");
      if (nested) {
        tensors.nested_absmax = from.tensor(weight + ".nested_absmax");
        tensors.nested_values = from.tensor(weight + ".nested_quant_map");
      }
      return quant::four_bit_weight(type, tensors, shape[0], shape[1], dtype);
    });
  }

  void gptq() {
    const auto bits = value_of<int64_t>(config_, "bits", 0);
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
      refuse(fmt::format("gptq weights of {} bits, only 2, 3, 4 and 8", bits));
    }
    const auto layout = value_of<std::string>(config_, "checkpoint_format", "gptq");
    if (layout != "gptq" && layout != "gptq_v2") refuse(fmt::format("the checkpoint_format {}", quote(layout)));
    for_each_ending(".qweight", [&](const std::string& layer) {
      const std::string qweight = take(layer + ".qweight"), qzeros = take(layer + ".qzeros"),
                        scales = take(layer + ".scales"), g_idx = layer + ".g_idx";
      const bool has_groups = from_.contains(g_idx);
      if (has_groups) take(g_idx);
      const Shape shape = {size(qweight, 1), size(qweight, 0) * 32 / bits};
      add(layer + ".weight", shape, bits == 8 ? "grouped_int8" : "grouped_int4",
          [=, from = from_, v1 = layout == "gptq"](DType dtype) {
            return quant::gptq_weight({from.tensor(qweight), from.tensor(qzeros), from.tensor(scales),
                                       has_groups ? from.tensor(g_idx) : Tensor()},
                                      bits, v1, dtype);
          });
    });
  }

  void awq() {
    const auto bits = value_of<int64_t>(config_, "bits", 4);
    const auto version = value_of<std::string>(config_, "version", "gemm");
    if (bits != 4) refuse(fmt::format("awq weights of {} bits, only 4", bits));
    if (version != "gemm" && version != "GEMM") refuse(fmt::format("the awq version {}", quote(version)));
    for_each_ending(".qweight", [&](const std::string& layer) {
      const std::string qweight = take(layer + ".qweight"), qzeros = take(layer + ".qzeros"),
                        scales = take(layer + ".scales");
      const Shape shape = {size(qweight, 1) * 8, size(qweight, 0)};
      add(layer + ".weight", shape, "grouped_int4", [=, from = from_](DType dtype) {
        return quant::awq_weight(from.tensor(qweight), from.tensor(qzeros), from.tensor(scales), dtype);
      });
    });
  }

  // Activations stay as they are: with "dynamic" the reference rounds them to fp8 as well.
  void fp8() {
    const auto tiles = value_of<std::vector<int64_t>>(config_, "weight_block_size", {128, 128});
    if (tiles.size() != 2 || tiles[0] < 1 || tiles[1] < 1) refuse("weight_block_size is no pair of sizes");
    for_each_ending(".weight_scale_inv", [&](const std::string& layer) {
      const std::string weight = take(layer + ".weight"), scale = take(layer + ".weight_scale_inv");
      if (from_.contains(layer + ".activation_scale")) take(layer + ".activation_scale");
      const bool whole = from_.info(scale).shape.product() == 1;
      add(weight, {size(weight, 0), size(weight, 1)}, "fp8", [=, from = from_](DType dtype) {
        const Tensor codes = from.tensor(weight);
        return quant::fp8_weight(codes, from.tensor(scale), whole ? std::max<int64_t>(codes.size(0), 1) : tiles[0],
                                 whole ? std::max<int64_t>(codes.size(1), 1) : tiles[1], dtype);
      });
    });
  }

  // Layers are told by their tensors. Activations stay as they are, whatever the configuration would round them to, but
  // for 8-bit integers found a token at a time, whose products are integers.
  void compressed_tensors() {
    const auto format = value_of<std::string>(config_, "format", "");
    if (format != "pack-quantized" && format != "int-quantized" && format != "float-quantized" &&
        format != "naive-quantized") {
      refuse(fmt::format("the compressed-tensors format {}", quote(format)));
    }
    for (const char* ending : {".weight_g_idx", ".weight_global_scale"}) {
      for_each_ending(ending, [&](const std::string& layer) { refuse(fmt::format("{}{}", layer, ending)); });
    }
    for_each_ending(".weight_packed", [&](const std::string& layer) { packed_layer(layer); });
    for_each_ending(".weight_scale", [&](const std::string& layer) {
      if (from_.contains(layer + ".weight")) scaled_layer(layer);
    });
  }

  // The bits that all groups of the configuration have.
  int64_t common_bits() const {
    const auto groups = config_.find("config_groups");
    int64_t bits = 0;
    if (groups == config_.end() || !groups->is_object()) refuse("there are no config_groups");
    for (const auto& [name, group] : groups->items()) {
      const auto weights = group.is_object() ? group.find("weights") : group.end();
      if (!group.is_object() || weights == group.end() || !weights->is_object()) refuse("a group without weights");
      const auto own = value_of<int64_t>(*weights, "num_bits", 0);
      if (bits != 0 && own != bits) refuse("groups of different num_bits");
      bits = own;
    }
    return bits;
  }

  // Whether all groups of the configuration round activations to 8-bit integers about zero, each token by itself.
  bool rounds_activations() const {
    const auto groups = config_.find("config_groups");
    if (groups == config_.end() || !groups->is_object()) return false;
    bool all = false;
    for (const auto& [name, group] : groups->items()) {
      const auto inputs = group.is_object() ? group.find("input_activations") : group.end();
      if (!group.is_object() || inputs == group.end() || !inputs->is_object()) return false;
      all = value_of<std::string>(*inputs, "type", "int") == "int" && value_of<int64_t>(*inputs, "num_bits", 8) == 8 &&
            value_of<std::string>(*inputs, "strategy", "") == "token" && value_of<bool>(*inputs, "symmetric", true);
      const auto dynamic = inputs->find("dynamic");
      if (!all || dynamic == inputs->end() || *dynamic != Json(true)) return false;
    }
    return all;
  }

  void packed_layer(const std::string& layer) {
    const int64_t bits = common_bits();
    const std::string packed = take(layer + ".weight_packed"), scale = take(layer + ".weight_scale"),
                      shape_name = take(layer + ".weight_shape"), zeros = layer + ".weight_zero_point";
    const TensorInfo& info = from_.info(shape_name);
    if (info.shape.product() != 2 || !is_integral(info.dtype)) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("tensor {} is no shape", quote(shape_name)));
    }
    const auto shape = from_.tensor(shape_name).to_vector<int64_t>();
    const bool has_zeros = from_.contains(zeros);
    if (has_zeros) take(zeros);
    if (shape[0] < 0 || shape[1] < 1) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("{} is {}", shape_name, fmt::join(shape, ", ")));
    }
    add(layer + ".weight", {shape[0], shape[1]}, bits == 8 ? "grouped_int8" : "grouped_int4",
        [=, from = from_](DType dtype) {
          return quant::packed_weight(
              {from.tensor(packed), from.tensor(scale), has_zeros ? from.tensor(zeros) : Tensor()}, shape[0], shape[1],
              bits, dtype);
        });
  }

  void scaled_layer(const std::string& layer) {
    const std::string weight = take(layer + ".weight"), scale = take(layer + ".weight_scale");
    if (from_.contains(layer + ".weight_zero_point")) refuse(fmt::format("zero points of {}", quote(layer)));
    const Shape shape = {size(weight, 0), size(weight, 1)};
    if (from_.info(weight).dtype == DType::f8_e4m3fn) {
      const bool whole = from_.info(scale).shape.product() == 1;
      add(weight, shape, "fp8", [=, from = from_](DType dtype) {
        const Tensor codes = from.tensor(weight);
        const int64_t rows = whole ? std::max<int64_t>(codes.size(0), 1) : 1;
        return quant::fp8_weight(codes, from.tensor(scale), rows, std::max<int64_t>(codes.size(1), 1), dtype);
      });
      return;
    }
    const Shape& scales = from_.info(scale).shape;
    if (rounds_activations() && (scales.product() == 1 || scales.product() == shape[0])) {
      add(weight, shape, "w8a8", [=, from = from_](DType dtype) {
        return quant::int8_weight_with_activations(from.tensor(weight), from.tensor(scale), dtype);
      });
      return;
    }
    add(weight, shape, "int8", [=, from = from_](DType dtype) {
      return quant::scaled_int8_weight(from.tensor(weight), from.tensor(scale), dtype);
    });
  }

  void bitnet() {
    const auto linear_class = value_of<std::string>(config_, "linear_class", "bitlinear");
    const auto mode = value_of<std::string>(config_, "quantization_mode", "offline");
    if (linear_class != "bitlinear" && linear_class != "autobitlinear") {
      refuse(fmt::format("the linear_class {}", quote(linear_class)), "known are bitlinear and autobitlinear");
    }
    if (mode != "offline") {
      refuse(fmt::format("the quantization_mode {}", quote(mode)), "only offline, with weights that are packed");
    }
    if (value_of<bool>(config_, "use_rms_norm", false)) refuse("layers with a norm of their own (use_rms_norm)");
    for_each_ending(".weight_scale", [&](const std::string& layer) {
      const std::string weight = take(layer + ".weight"), scale = take(layer + ".weight_scale");
      add(weight, {size(weight, 0) * 4, size(weight, 1)}, "bitnet",
          [=, from = from_, divides = linear_class == "bitlinear"](DType dtype) {
            return quant::bitnet_weight(from.tensor(weight), from.tensor(scale), divides, dtype);
          });
    });
  }

  const Checkpoint& from_;
  const Json& config_;
  std::vector<Checkpoint::Made> made_;
  std::vector<std::string> parts_;
  std::shared_ptr<DType> dtype_ = std::make_shared<DType>(DType::f32);
};

}  // namespace

Checkpoint with_whole_weights(const Checkpoint& checkpoint, const Json& quantization_config) {
  if (!quantization_config.is_object()) throw Error(ErrorKind::kInvalidFile, kWhere, "it is no object");
  return Assembler(checkpoint, quantization_config).run();
}

}  // namespace imago
