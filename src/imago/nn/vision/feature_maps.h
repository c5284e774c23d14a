// Which hidden states of a model are its feature maps.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imago/nn/image_model.h"
#include "imago/nn/vision/pixel_norm.h"

namespace imago::nn {

// The keys of config.json that choose: stage 0 is the embeddings ("stem"), stage i what layer or stage i gave.
struct StageChoice {
  std::optional<std::vector<std::string>> out_features, stage_names;
  std::optional<std::vector<int64_t>> out_indices;
  FIELDS(out_features, out_indices, stage_names)

  // The numbers of the chosen stages, of `count` and the stem: the last where nothing is chosen. Throws Error
  // kInvalidFile for a stage that is not there.
  std::vector<int64_t> chosen(int64_t count) const;
};

// For models of stages: lists of config.json, by their names and sizes, must each have an entry for each of `count`
// stages, of which there is one at least. Throws Error kInvalidFile naming the list.
void require_stages(int64_t count, std::initializer_list<std::pair<const char*, size_t>> lists);

// A configuration that has them.
struct StagedConfig : Config {
  StageChoice stages;
  void each_field(FieldVisitor& visitor) override {
    Config::each_field(visitor);
    stages.each_field(visitor);
  }
};

// A norm for each feature map, named by its stage.
struct StageNorms : Module {
  std::map<int64_t, PixelNorm> norms;
  void each_field(FieldVisitor& visitor);
  Tensor operator()(int64_t stage, const Tensor& x_BCHW) const { return norms.at(stage)(x_BCHW); }
};

// Runs `trunk`, and makes of each chosen hidden state a feature map.
BackboneOutput feature_maps(const std::function<BaseModelOutput(const ImageInputs&)>& trunk, const ImageInputs& in,
                            const std::vector<int64_t>& stages,
                            const std::function<Tensor(int64_t stage, const Tensor& hidden_state)>& make_map);

}  // namespace imago::nn
