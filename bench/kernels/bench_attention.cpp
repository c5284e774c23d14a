// Fused attention against the plain way: two matrix products with the whole matrix of scores between them.
//   bench_attention [rounds]
#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/attention.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/kernels/cpu/softmax.h"
#include "timing.h"

namespace imago::bench {
namespace {

std::vector<float> random_array(int64_t size) {
  std::mt19937 generator(1);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = static_cast<float>(generator() % 2048) / 1024.0f - 1.0f;
  return values;
}

struct Shape {
  int64_t heads, key_value_heads, queries, keys, head_size;
  bool causal;
};

void bench_shape(const Shape& s, int rounds) {
  const auto query = random_array(s.heads * s.queries * s.head_size);
  const auto key = random_array(s.key_value_heads * s.keys * s.head_size), value = key;
  std::vector<float> output(query.size()), scores(static_cast<size_t>(s.heads * s.queries * s.keys));
  const float scale = 1 / std::sqrt(static_cast<float>(s.head_size));
  const int64_t group = s.heads / s.key_value_heads;

  const auto fused = [&] {
    kernels::Attention<float> a;
    a.heads = s.heads, a.key_value_heads = s.key_value_heads, a.queries = s.queries, a.keys = s.keys;
    a.head_size = a.value_size = s.head_size;
    a.query = query.data(), a.key = key.data(), a.value = value.data(), a.output = output.data();
    a.query_strides = a.output_strides = {0, s.queries * s.head_size, s.head_size};
    a.key_strides = a.value_strides = {0, s.keys * s.head_size, s.head_size};
    a.scale = scale;
    a.causal = s.causal;
    kernels::attention(a);
  };
  const auto plain = [&] {
    for (int64_t head = 0; head < s.heads; ++head) {
      float* const row = scores.data() + head * s.queries * s.keys;
      const int64_t from = head / group * s.keys * s.head_size, at = head * s.queries * s.head_size;
      kernels::gemm(kernels::Gemm<float, float, float>{.m = s.queries,
                                                       .n = s.keys,
                                                       .k = s.head_size,
                                                       .a = query.data() + at,
                                                       .lda = s.head_size,
                                                       .b = key.data() + from,
                                                       .ldb = s.head_size,
                                                       .transpose_b = true,
                                                       .c = row,
                                                       .ldc = s.keys});
      parallel_for(s.queries, 4, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t visible = s.causal ? i + 1 + s.keys - s.queries : s.keys;
          for (int64_t j = 0; j < s.keys; ++j)
            row[i * s.keys + j] = j < visible ? row[i * s.keys + j] * scale : -INFINITY;
        }
        kernels::softmax_rows(row + begin * s.keys, row + begin * s.keys, end - begin, s.keys);
      });
      kernels::gemm(kernels::Gemm<float, float, float>{.m = s.queries,
                                                       .n = s.head_size,
                                                       .k = s.keys,
                                                       .a = row,
                                                       .lda = s.keys,
                                                       .b = value.data() + from,
                                                       .ldb = s.head_size,
                                                       .c = output.data() + at,
                                                       .ldc = s.head_size});
    }
  };
  std::vector<Contestant> contestants = {{"fused", fused}, {"plain", plain}};
  take_turns(contestants, rounds, 0.02);
  const double pairs =
      static_cast<double>(s.heads * s.queries) * static_cast<double>(s.keys) * (s.causal && s.queries > 1 ? 0.5 : 1);
  const double operations = 4 * pairs * static_cast<double>(s.head_size);
  const double bytes = 8.0 * static_cast<double>(s.key_value_heads * s.keys * s.head_size);
  fmt::print(
      "heads {:2}/{:2} queries {:5} keys {:5} size {:3} {}:  fused {:8.1f} us ({:5.1f} GFLOP/s, {:5.1f} GB/s)  plain "
      "{:8.1f} us  ratio {:.2f}\n",
      s.heads, s.key_value_heads, s.queries, s.keys, s.head_size, s.causal ? "causal" : "full  ",
      contestants[0].seconds * 1e6, operations / contestants[0].seconds * 1e-9, bytes / contestants[0].seconds * 1e-9,
      contestants[1].seconds * 1e6, contestants[1].seconds / contestants[0].seconds);
}

}  // namespace
}  // namespace imago::bench

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  using imago::bench::bench_shape;
  for (bool causal : {true, false}) {
    bench_shape({16, 16, 128, 128, 64, causal}, rounds);
    bench_shape({16, 16, 512, 512, 64, causal}, rounds);
    bench_shape({16, 4, 2048, 2048, 128, causal}, rounds);
  }
  bench_shape({16, 16, 1, 2048, 64, true}, rounds);
  bench_shape({32, 8, 1, 4096, 128, true}, rounds);
}
