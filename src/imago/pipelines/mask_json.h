// Masks in answers.
#pragma once

#include "imago/base/json.h"
#include "imago/processors/image/masks.h"

namespace imago {

// {"size": [height, width], "counts": the lengths of its runs, row by row: pixels outside, inside, outside, ...}
Json mask_json(const BinaryMask& mask);
// The same by columns, as COCO's tools have it.
Json coco_mask_json(const BinaryMask& mask);
// Back from mask_json.
BinaryMask mask_of_json(const Json& mask);

}  // namespace imago
