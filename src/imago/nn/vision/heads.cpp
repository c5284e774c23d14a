#include "imago/nn/vision/heads.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/losses.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/repeat/repeat.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

Tensor first_token(const BaseModelOutput& output) { return select(output.last_hidden_state, 1, 0); }

Tensor pooler_output(const BaseModelOutput& output) { return output.pooler_output; }

LogitsOutput classify_image(const ImageModel& base, const HeadFunction& head, ImagePooling pooling,
                            const ImageInputs& in, const Config& config) {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(pooling(below));
  Tensor loss = sequence_classification_loss(logits, in.labels, config);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

MaskedImageModelingOutput reconstruct_image(BaseModelOutput below, const HeadFunction& head, int64_t leading,
                                            int64_t patch_size, const ImageInputs& in) {
  const int64_t patches = below.last_hidden_state.size(1) - leading;
  const auto side_of = [](int64_t count) { return static_cast<int64_t>(std::sqrt(static_cast<double>(count))); };
  const int64_t side = side_of(patches);
  MaskedImageModelingOutput out;
  out.reconstruction = head(to_picture(narrow(below.last_hidden_state, 1, leading, patches), side, side));
  if (in.bool_masked_pos) {
    if (!(out.reconstruction.shape() == in.pixel_values.shape())) {
      throw Error(ErrorKind::kUnsupported, "config.json",
                  "the decoder makes a picture of another size, so there is no loss",
                  "patch_size and encoder_stride must be equal");
    }
    // Of the patches as they are cut, which may be more than those that are left in the end.
    const int64_t cut = side_of(in.bool_masked_pos.size(1));
    const Tensor grid = reshape(in.bool_masked_pos, {-1, cut, cut});
    const Tensor hidden = cast(unsqueeze(repeat_interleave(repeat_interleave(grid, patch_size, 1), patch_size, 2), 1),
                               in.pixel_values.dtype());
    const double channels = static_cast<double>(in.pixel_values.size(1));
    out.loss = sum(abs(in.pixel_values - out.reconstruction) * hidden) / (sum(hidden) + 1e-5) / channels;
  }
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
