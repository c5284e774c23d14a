#include "imago/nn/vision/feature_maps.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "imago/base/error.h"

namespace imago::nn {

std::vector<int64_t> StageChoice::chosen(int64_t count) const {
  std::set<int64_t> stages;  // in their order, whatever that of the list is
  if (out_features && !out_features->empty()) {
    for (const std::string& name : *out_features) {
      int64_t stage = name == "stem" ? 0 : -1;
      for (int64_t i = 1; i <= count; ++i) {
        if (name == fmt::format("stage{}", i)) stage = i;
      }
      if (stage < 0)
        throw Error(ErrorKind::kInvalidFile, "config.json",
                    fmt::format("out_features names \"{}\", and there are stem and stage1 to stage{}", name, count));
      stages.insert(stage);
    }
  } else if (out_indices && !out_indices->empty()) {
    for (const int64_t index : *out_indices) {
      const int64_t stage = index < 0 ? index + count + 1 : index;
      if (stage < 0 || stage > count)
        throw Error(ErrorKind::kInvalidFile, "config.json",
                    fmt::format("out_indices has {}, and there are stages 0 to {}", index, count));
      stages.insert(stage);
    }
  } else {
    stages.insert(count);
  }
  return {stages.begin(), stages.end()};
}

void require_stages(int64_t count, std::initializer_list<std::pair<const char*, size_t>> lists) {
  if (count < 1) throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("there are {} stages", count));
  for (const auto& [name, size] : lists) {
    if (static_cast<int64_t>(size) != count)
      throw Error(ErrorKind::kInvalidFile, "config.json",
                  fmt::format("{} has {} entries, and there are {} stages", name, size, count));
  }
}

void StageNorms::each_field(FieldVisitor& visitor) {
  for (auto& [stage, norm] : norms)
    imago::internal::visit_field(visitor, stage == 0 ? "stem" : fmt::format("stage{}", stage), norm);
}

BackboneOutput feature_maps(const std::function<BaseModelOutput(const ImageInputs&)>& trunk, const ImageInputs& in,
                            const std::vector<int64_t>& stages,
                            const std::function<Tensor(int64_t stage, const Tensor& hidden_state)>& make_map) {
  ImageInputs with_states = in;
  with_states.output_hidden_states = true;
  BaseModelOutput below = trunk(with_states);
  BackboneOutput out;
  for (const int64_t stage : stages) out.feature_maps.push_back(make_map(stage, below.hidden_states.at(stage)));
  if (!in.output_hidden_states) below.hidden_states.clear();
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
