// Block sparse attention (BigBird) beside attention to all, on texts that double: the first is to take twice the time
// each time, the second four times.
//   bench_block_sparse [rounds] [longest]
#include <fmt/core.h>

#include <cstdlib>

#include "imago/nn/block_sparse_attention.h"
#include "imago/nn/torch_generator.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"
#include "imago/tensor/grad_meta.h"
#include "timing.h"

namespace imago::bench {
namespace {

constexpr int64_t kHeads = 4, kHeadSize = 64, kBlock = 64, kDrawn = 3;  // of bigbird-roberta-base, but for its 12 heads

void run(int rounds, int64_t longest) {
  const NoGrad no_grad;
  double sparse_before = 0, dense_before = 0;
  fmt::print("{:>8}{:>12}{:>8}{:>12}{:>8}\n", "tokens", "sparse ms", "grows", "dense ms", "grows");
  for (int64_t tokens = 1024; tokens <= longest; tokens *= 2) {
    TorchGenerator generator(1);
    const Shape shape = {1, kHeads, tokens, kHeadSize};
    const Tensor q = generator.normal(shape, 1), k = generator.normal(shape, 1), v = generator.normal(shape, 1);
    const Tensor mask = Tensor::ones({1, tokens}),
                 drawn = Tensor::zeros({kHeads, tokens / kBlock - 2, kDrawn}, DType::i64);
    std::vector<Contestant> both = {
        {"sparse", [&] { nn::block_sparse_attention(q, k, v, mask, drawn, kBlock); }},
        {"dense", [&] { scaled_dot_product_attention(q, k, v); }},
    };
    take_turns(both, rounds, 0.1);
    const double sparse = both[0].seconds, dense = both[1].seconds;
    const auto growth = [](double now, double before) { return before > 0 ? fmt::format("{:.2f}", now / before) : ""; };
    fmt::print("{:>8}{:>12.1f}{:>8}{:>12.1f}{:>8}\n", tokens, sparse * 1e3, growth(sparse, sparse_before), dense * 1e3,
               growth(dense, dense_before));
    sparse_before = sparse;
    dense_before = dense;
  }
}

}  // namespace
}  // namespace imago::bench

int main(int argc, char** argv) {
  imago::bench::run(argc > 1 ? std::atoi(argv[1]) : 3, argc > 2 ? std::atoll(argv[2]) : 16384);
  return 0;
}
