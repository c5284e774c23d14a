// From queries' masks and labels to the segments of a picture.
#pragma once

#include "imago/nn/universal_segmentation_model.h"
#include "imago/processors/image/masks.h"

namespace imago {

struct Segment {
  double score;  // to six decimals
  int64_t label;
  BinaryMask mask;
};

struct SegmentOptions {
  double threshold = 0.9;                    // the least score
  double mask_threshold = 0.5;               // the least probability of a pixel inside
  double overlap_mask_area_threshold = 0.5;  // how much of its mask must be left to a segment after others took theirs
};

// Each for one picture (masks of a batch of one) of this size, in the order in which the queries come.
// Every pixel belongs to the likeliest segment.
std::vector<Segment> panoptic_segments(const QueriedMasks& masks, int64_t height, int64_t width,
                                       const SegmentOptions& options);
// As many of the likeliest pairs of query and label as there are queries; where two overlap the later one counts.
std::vector<Segment> instance_segments(const QueriedMasks& masks, int64_t height, int64_t width,
                                       const SegmentOptions& options);
// The likeliest label of each pixel, row by row.
std::vector<int64_t> semantic_labels(const QueriedMasks& masks, int64_t height, int64_t width);

}  // namespace imago
