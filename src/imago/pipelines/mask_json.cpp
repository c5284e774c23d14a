#include "imago/pipelines/mask_json.h"

namespace imago {
namespace {

Json with_counts(const BinaryMask& mask, const std::vector<int64_t>& counts) {
  return {{"size", {mask.height, mask.width}}, {"counts", counts}};
}

}  // namespace

Json mask_json(const BinaryMask& mask) { return with_counts(mask, runs_by_row(mask)); }

Json coco_mask_json(const BinaryMask& mask) { return with_counts(mask, runs_by_column(mask)); }

BinaryMask mask_of_json(const Json& json) {
  BinaryMask mask{json.at("size").at(0).get<int64_t>(), json.at("size").at(1).get<int64_t>(), {}};
  uint8_t inside = 0;
  for (const Json& run : json.at("counts")) {
    mask.inside.insert(mask.inside.end(), run.get<size_t>(), inside);
    inside ^= 1;
  }
  mask.inside.resize(static_cast<size_t>(mask.height * mask.width), 0);
  return mask;
}

}  // namespace imago
