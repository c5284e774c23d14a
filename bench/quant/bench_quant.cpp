// Products with weights in every format, against reading memory and against float.
//   bench_quant [rounds] [only formats whose name contains this text] [at most so many rows]
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../kernels/timing.h"
#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/targets.h"
#include "imago/quant/block_matrix.h"

namespace imago::bench {
namespace {

constexpr int64_t kRows = 2048, kColumns = 2048;
// Weights are taken in turn from a pool larger than the caches, as the layers of a model are.
constexpr int64_t kPoolBytes = int64_t{160} << 20;

std::vector<float> random_floats(int64_t size) {
  std::mt19937 generator(1);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = distribution(generator);
  return values;
}

// One matrix, and copies of it to be read in turn.
std::vector<std::unique_ptr<quant::BlockMatrix>> pool_of(const quant::Format& format) {
  const Tensor encoded = quant::encode(Tensor::from(random_floats(kRows * kColumns), {kRows, kColumns}), format);
  const auto bytes = dynamic_cast<const quant::BlockMatrix&>(*encoded.encoding()).bytes();
  std::vector<std::shared_ptr<Storage>> copies;
  for (int64_t total = 0; total < kPoolBytes; total += static_cast<int64_t>(bytes.size())) {
    copies.push_back(Storage::allocate(static_cast<int64_t>(bytes.size()), Device::kCPU));
    std::memcpy(copies.back()->data(), bytes.data(), bytes.size());
  }
  std::vector<std::unique_ptr<quant::BlockMatrix>> pool;
  for (const auto& copy : copies) pool.push_back(std::make_unique<quant::BlockMatrix>(format, kRows, kColumns, copy));
  return pool;
}

void bench_format(const quant::Format& format, int rounds, int64_t most) {
  const auto pool = pool_of(format);
  const std::vector<float> x = random_floats(512 * kColumns);
  std::vector<float> y(512 * kRows);
  size_t turn = 0;
  std::vector<Contestant> contestants;
  for (const int64_t m : {int64_t{1}, int64_t{4}, int64_t{8}, int64_t{16}, int64_t{128}, int64_t{512}}) {
    if (m > most) break;
    contestants.push_back({fmt::format("m {}", m),
                           [&, m] { pool[turn++ % pool.size()]->multiply(x.data(), m, kColumns, nullptr, y.data()); }});
  }
  take_turns(contestants, rounds, 0.05);
  std::string line = fmt::format("{:<8}", format.name);
  line += fmt::format(" m 1 {:5.1f} GB/s", static_cast<double>(pool[0]->nbytes()) / contestants[0].seconds * 1e-9);
  for (const Contestant& contestant : contestants) {
    const double m = std::stod(contestant.name.substr(2));
    line += fmt::format("  {} {:6.1f}", contestant.name, 2 * m * kRows * kColumns / contestant.seconds * 1e-9);
  }
  fmt::print("{} GFLOP/s\n", line);
  std::fflush(stdout);
}

}  // namespace
}  // namespace imago::bench

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  const std::string only = argc > 2 ? argv[2] : "";
  const int64_t most = argc > 3 ? std::max(1, std::atoi(argv[3])) : 512;
  fmt::print("{} threads, {}, weights [{}, {}]\n", imago::num_threads(), imago::kernels::active_target(),
             imago::bench::kRows, imago::bench::kColumns);
  for (const imago::quant::Format& format : imago::quant::formats()) {
    if (format.name.find(only) != std::string_view::npos) imago::bench::bench_format(format, rounds, most);
  }
}
