#include "imago/nn/hidden_spans.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/numpy_generator.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {

Tensor draw_hidden_spans(int64_t rows, int64_t size, const HiddenSpanOptions& o, const std::vector<int64_t>& lengths) {
  if (o.length < 1 || o.length > size) {
    throw Error(ErrorKind::kInvalidArgument, "train",
                fmt::format("spans of {} places are to be hidden of {}", o.length, size),
                "give longer sounds, or shorter spans in config.json (mask_time_length, mask_feature_length)");
  }
  NumpyGenerator& generator = numpy_source();
  const double rounding = generator.random();  // the same for all rows
  const auto spans_of = [&](int64_t count) {
    int64_t spans =
        static_cast<int64_t>(o.probability * static_cast<double>(count) / static_cast<double>(o.length) + rounding);
    spans = std::min(std::max(spans, o.least), size / o.length);
    return std::clamp<int64_t>(spans, 0, std::max<int64_t>(0, count - (o.length - 1)));
  };
  std::vector<float> hidden(static_cast<size_t>(rows * size));
  const int64_t most = spans_of(size);
  for (int64_t row = 0; row < rows && most > 0; ++row) {
    const int64_t count = lengths.empty() ? size : lengths[static_cast<size_t>(row)], spans = spans_of(count);
    std::vector<int64_t> starts = generator.permutation(count - (o.length - 1));
    starts.resize(static_cast<size_t>(spans));
    // As in the reference, a row without room for a span hides its last place, where there is padding.
    if (starts.empty()) starts.push_back(size - 1);
    for (const int64_t start : starts) {
      for (int64_t i = 0; i < o.length; ++i)
        hidden[static_cast<size_t>(row * size + std::min(start + i, size - 1))] = 1;
    }
  }
  return reshape(cast(Tensor::from(hidden), DType::boolean), {rows, size});
}

}  // namespace imago::nn
