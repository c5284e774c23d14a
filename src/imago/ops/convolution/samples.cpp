// What drives the checks of the three operations of a convolution.
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

using op::Convolution;
using op::ConvolutionTranspose;
using op::ConvolutionWeight;

template <class Op>
Sample sample(const char* name, const Op& op, const std::vector<Shape>& shapes) {
  Tensors inputs;
  for (const Shape& shape : shapes) inputs.push_back(sample_values(shape, -2, 2, inputs.size() + 1));
  return {name, inputs, [op](std::span<const Tensor> in) -> Tensors {
            if constexpr (std::is_same_v<Op, ConvolutionWeight>) {
              return {apply(op, in[0], in[1])};
            } else {
              return {apply(op, in[0], in[1], in.size() > 2 ? in[2] : Tensor())};
            }
          }};
}

std::vector<Sample> convolution_samples() {
  return {
      sample("1d", Convolution{{1}, {1}, {1}, 1}, {{2, 3, 7}, {4, 3, 3}, {4}}),
      sample("1d, strided, dilated", Convolution{{2}, {3}, {2}, 1}, {{1, 2, 9}, {3, 2, 4}}),
      sample("pointwise", Convolution{{1}, {0}, {1}, 1}, {{2, 3, 5}, {4, 3, 1}, {4}}),
      sample("patches", Convolution{{2, 3}, {0, 0}, {1, 1}, 1}, {{2, 3, 5, 6}, {4, 3, 2, 3}, {4}}),
      sample("2d, groups", Convolution{{2, 1}, {1, 2}, {1, 2}, 2}, {{2, 4, 5, 4}, {6, 2, 3, 3}, {6}}),
      sample("depthwise", Convolution{{1, 2}, {1, 1}, {1, 1}, 3}, {{2, 3, 4, 5}, {3, 1, 3, 3}, {3}}),
      sample("depthwise, causal", Convolution{{1}, {3}, {1}, 2}, {{1, 2, 6}, {2, 1, 4}, {2}}),
      sample("3d", Convolution{{1, 2, 1}, {1, 0, 1}, {1, 1, 1}, 1}, {{1, 2, 3, 4, 3}, {3, 2, 2, 2, 3}, {3}}),
      sample("empty batch", Convolution{{1}, {1}, {1}, 1}, {{0, 3, 7}, {4, 3, 3}, {4}}),
  };
}

std::vector<Sample> transpose_samples() {
  return {
      sample("1d", ConvolutionTranspose{{2}, {1}, {1}, {1}, 1}, {{2, 3, 4}, {3, 2, 3}, {2}}),
      sample("2d, groups", ConvolutionTranspose{{2, 1}, {0, 1}, {1, 2}, {1, 0}, 2}, {{1, 4, 3, 4}, {4, 3, 2, 3}, {6}}),
      sample("depthwise", ConvolutionTranspose{{3, 2}, {1, 0}, {1, 1}, {0, 1}, 3}, {{2, 3, 3, 2}, {3, 1, 3, 2}, {3}}),
      sample("3d", ConvolutionTranspose{{1, 2, 2}, {0, 0, 1}, {1, 1, 1}, {0, 0, 0}, 1},
             {{1, 2, 2, 3, 3}, {2, 3, 2, 2, 3}}),
  };
}

std::vector<Sample> weight_samples() {
  return {
      sample("1d", ConvolutionWeight{{3}, {2}, {1}, {1}, 1}, {{2, 3, 7}, {2, 4, 4}}),
      sample("2d, groups", ConvolutionWeight{{2, 3}, {1, 2}, {0, 1}, {1, 1}, 2}, {{2, 4, 3, 5}, {2, 2, 2, 3}}),
      sample("depthwise", ConvolutionWeight{{3}, {1}, {1}, {1}, 3}, {{2, 3, 5}, {2, 3, 5}}),
  };
}

}  // namespace

void register_convolution(OpTable& table) {
  table.add<Convolution>(convolution_samples);
  table.add<ConvolutionTranspose>(transpose_samples);
  table.add<ConvolutionWeight>(weight_samples);
}

}  // namespace imago
