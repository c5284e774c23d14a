#include "imago/nn/rotary.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tensor/dispatch.h"

namespace imago::nn {
namespace {

class ParameterReader {
 public:
  ParameterReader(const Json& json, RotaryConfig& config) : json_(json), config_(config) {}

  void read_all() {
    for (const auto& [key, value] : json_.items()) {
      try {
        if (!value.is_null()) read(key, value);
      } catch (const JsonError&) {
        throw Error(ErrorKind::kInvalidFile, "config.json",
                    fmt::format("rope parameter \"{}\" has the value {}", key, dump_json(value)));
      }
    }
  }

 private:
  void read(const std::string& key, const Json& value) {
    if (key == "rope_type" || key == "type") {
      config_.rope_type = value.get<std::string>();
    } else if (key == "rope_theta") {
      config_.rope_theta = value.get<double>();
    } else if (key == "partial_rotary_factor") {
      config_.partial_rotary_factor = value.get<double>();
    } else if (key == "original_max_position_embeddings") {
      config_.original_max_position_embeddings = value.get<int64_t>();
    } else if (key == "factor") {
      config_.factor = value.get<double>();
    } else if (key == "attention_factor") {
      config_.attention_factor = value.get<double>();
    } else if (key == "mscale") {
      config_.mscale = value.get<double>();
    } else if (key == "mscale_all_dim") {
      config_.mscale_all_dim = value.get<double>();
    } else if (key == "beta_fast") {
      config_.beta_fast = value.get<double>();
    } else if (key == "beta_slow") {
      config_.beta_slow = value.get<double>();
    } else if (key == "low_freq_factor") {
      config_.low_freq_factor = value.get<double>();
    } else if (key == "high_freq_factor") {
      config_.high_freq_factor = value.get<double>();
    } else if (key == "truncate") {
      config_.truncate = value.get<bool>();
    } else if (key == "short_factor") {
      config_.short_factor = value.get<std::vector<double>>();
    } else if (key == "long_factor") {
      config_.long_factor = value.get<std::vector<double>>();
    } else {
      throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("unknown rope parameter \"{}\"", key));
    }
  }

  const Json& json_;
  RotaryConfig& config_;
};

void validate(const RotaryConfig& config, int64_t rotary_dim) {
  const auto require = [&](bool present, const char* key) {
    if (!present)
      throw Error(ErrorKind::kInvalidFile, "config.json",
                  fmt::format("rope type {} needs \"{}\"", config.rope_type, key));
  };
  const std::string& type = config.rope_type;
  constexpr const char* kTypes[] = {"default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional"};
  if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes)) {
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("rope type \"{}\" is unknown", type));
  }
  if (type == "linear" || type == "dynamic" || type == "llama3") require(config.factor.has_value(), "factor");
  if (type == "llama3" && config.low_freq_factor == config.high_freq_factor) {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                "low_freq_factor and high_freq_factor of rope type llama3 are equal");
  }
  if (type == "longrope") {
    const auto pairs = static_cast<size_t>(rotary_dim / 2);
    if (config.short_factor.size() != pairs || config.long_factor.size() != pairs) {
      throw Error(ErrorKind::kInvalidFile, "config.json",
                  fmt::format("rope type longrope has {} short and {} long factors for {} pairs of channels",
                              config.short_factor.size(), config.long_factor.size(), pairs));
    }
  }
}

// How much attention sharpens with the context (Peng et al. 2023, section 3.4).
double yarn_mscale(double scale, double mscale) { return scale <= 1 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0; }

// YaRN: channels that turn fast keep their frequency, slow ones are interpolated, with a ramp between (Peng et al.
// 2023).
void stretch_yarn(const RotaryConfig& config, double factor, std::vector<double>& frequencies) {
  const auto pairs = static_cast<double>(frequencies.size());
  const double dim = 2 * pairs;
  const auto correction_dim = [&](double rotations) {
    return dim *
           std::log(static_cast<double>(config.original_max_position_embeddings) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(config.rope_theta));
  };
  const double beta_fast = config.beta_fast.value_or(0) != 0 ? *config.beta_fast : 32;
  const double beta_slow = config.beta_slow.value_or(0) != 0 ? *config.beta_slow : 1;
  double low = correction_dim(beta_fast), high = correction_dim(beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double keep = 1 - std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / factor * (1 - keep) + frequencies[i] * keep;
  }
}

// Llama 3.1: long wavelengths are divided by the factor, short ones are kept, those between are blended.
void stretch_llama3(const RotaryConfig& config, double factor, std::vector<double>& frequencies) {
  const auto context = static_cast<double>(config.original_max_position_embeddings);
  const double low_wavelength = context / config.low_freq_factor, high_wavelength = context / config.high_freq_factor;
  for (double& frequency : frequencies) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength > low_wavelength) {
      frequency /= factor;
    } else if (wavelength >= high_wavelength) {
      const double smooth =
          (context / wavelength - config.low_freq_factor) / (config.high_freq_factor - config.low_freq_factor);
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }
}

double factor_of(const RotaryConfig& config) {
  if (config.factor) return *config.factor;
  return static_cast<double>(config.max_position_embeddings) /
         static_cast<double>(config.original_max_position_embeddings);
}

}  // namespace

JsonText rope_parameters_of(std::string_view layer_type, const JsonText& rope_parameters) {
  if (rope_parameters.text.empty()) return {};
  JsonText found;
  const Json json = parse_json(rope_parameters.text, "config.json: rope_parameters");
  for (const auto& [key, value] : json.items()) {
    if (key != "full_attention" && key != "sliding_attention") {
      throw Error(ErrorKind::kUnsupported, "config.json",
                  fmt::format("rope_parameters of types of layers have the key \"{}\"", key),
                  "give those of full_attention and of sliding_attention");
    }
    if (key == layer_type && !value.is_null()) found.text = dump_json(value);
  }
  return found;
}

RotaryConfig RotaryConfig::read(const JsonText& rope_parameters, const JsonText& rope_scaling,
                                std::optional<double> rope_theta, int64_t head_dim, int64_t max_position_embeddings,
                                double partial_rotary_factor) {
  RotaryConfig config;
  config.partial_rotary_factor = partial_rotary_factor;
  config.head_dim = head_dim;
  config.max_position_embeddings = max_position_embeddings;
  if (rope_theta) config.rope_theta = *rope_theta;
  for (const JsonText* text : {&rope_scaling, &rope_parameters}) {
    if (!text->text.empty()) ParameterReader(parse_json(text->text, "config.json: rope parameters"), config).read_all();
  }
  if (config.rope_type == "su") config.rope_type = "longrope";  // its name in early Phi-3 checkpoints
  if (config.original_max_position_embeddings == 0) config.original_max_position_embeddings = max_position_embeddings;
  validate(config, Rotary(config).rotary_dim());
  return config;
}

int64_t Rotary::rotary_dim() const {
  if (config_.rope_type == "proportional") return config_.head_dim;
  return static_cast<int64_t>(static_cast<double>(config_.head_dim) * config_.partial_rotary_factor);
}

std::vector<double> Rotary::inverse_frequencies(int64_t tokens) const {
  const int64_t dim = rotary_dim();
  const auto size = static_cast<double>(dim);
  const std::string& type = config_.rope_type;
  double base = config_.rope_theta;
  if (type == "dynamic") {  // NTK-aware: the base grows with the sequence once it is longer than the trained context
    const auto limit = static_cast<double>(config_.max_position_embeddings);
    const double length = std::max(static_cast<double>(tokens), limit);
    base *= std::pow(*config_.factor * length / limit - (*config_.factor - 1), size / (size - 2));
  }
  std::vector<double> frequencies;
  for (int64_t i = 0; i < dim; i += 2) frequencies.push_back(std::pow(base, -static_cast<double>(i) / size));

  if (type == "linear") {
    for (double& frequency : frequencies) frequency /= *config_.factor;
  } else if (type == "yarn") {
    stretch_yarn(config_, factor_of(config_), frequencies);
  } else if (type == "llama3") {
    stretch_llama3(config_, *config_.factor, frequencies);
  } else if (type == "longrope") {
    const bool is_long = tokens > config_.original_max_position_embeddings;
    const std::vector<double>& factors = is_long ? config_.long_factor : config_.short_factor;
    for (size_t i = 0; i < frequencies.size(); ++i) frequencies[i] /= factors[i];
  } else if (type == "proportional") {
    const auto rotated = static_cast<size_t>(static_cast<double>(config_.head_dim) * config_.partial_rotary_factor / 2);
    for (size_t i = 0; i < frequencies.size(); ++i)
      frequencies[i] = i < rotated ? frequencies[i] / config_.factor.value_or(1) : 0;
  }
  return frequencies;
}

double Rotary::attention_scaling() const {
  if (config_.rope_type != "yarn" && config_.rope_type != "longrope") return 1;
  if (config_.attention_factor) return *config_.attention_factor;
  const double factor = factor_of(config_);
  if (config_.rope_type == "longrope") {
    if (factor <= 1) return 1;
    return std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(config_.original_max_position_embeddings)));
  }
  const double mscale = config_.mscale.value_or(0), mscale_all_dim = config_.mscale_all_dim.value_or(0);
  if (mscale != 0 && mscale_all_dim != 0) return yarn_mscale(factor, mscale) / yarn_mscale(factor, mscale_all_dim);
  return yarn_mscale(factor, 1);
}

RotaryAngles Rotary::operator()(const Tensor& position_ids, DType dtype) const {
  const std::vector<int64_t> positions = position_ids.to_vector<int64_t>();
  const int64_t longest = positions.empty() ? 0 : *std::max_element(positions.begin(), positions.end()) + 1;
  const std::vector<double> frequencies = inverse_frequencies(longest);
  const double scaling = attention_scaling();
  Shape shape = position_ids.shape();
  shape.push_back(static_cast<int64_t>(frequencies.size()));
  const RotaryAngles angles{Tensor::empty(shape, dtype), Tensor::empty(shape, dtype)};
  dispatch_floating("rotary", dtype, [&]<class T>() {
    T* cos = angles.cos.data<T>();
    T* sin = angles.sin.data<T>();
    for (const int64_t position : positions) {
      for (const double frequency : frequencies) {
        const double angle = static_cast<double>(position) * frequency;
        *cos++ = convert_scalar<T>(std::cos(angle) * scaling);
        *sin++ = convert_scalar<T>(std::sin(angle) * scaling);
      }
    }
  });
  return angles;
}

}  // namespace imago::nn
