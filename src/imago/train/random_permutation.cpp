#include "imago/train/random_permutation.h"

#include <numeric>
#include <random>
#include <utility>

#include "imago/base/error.h"

namespace imago {
namespace {

// torch takes 64 bits a draw where 32 would favour some orders, from 2^32 / 20 on.
constexpr int64_t kMax = 200'000'000;

}  // namespace

std::vector<int64_t> random_permutation(int64_t n, uint64_t seed) {
  if (n < 0 || n > kMax) throw Error(ErrorKind::kLimitExceeded, "random_permutation", "more than 200 million examples");
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::mt19937 engine(static_cast<uint32_t>(seed));
  for (size_t i = 0; i + 1 < order.size(); ++i) std::swap(order[i], order[i + engine() % (order.size() - i)]);
  return order;
}

}  // namespace imago
