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
#include "imago/kernels/cpu/machine_limits.h"
#include "imago/kernels/cpu/targets.h"
#include "imago/quant/bitnet/bitnet_matrix.h"
#include "imago/quant/block_matrix.h"
#include "imago/quant/codebook/codebooks.h"

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

using Pool = std::vector<std::shared_ptr<const EncodedMatrix>>;

// One matrix, and copies of it to be read in turn.
Pool pool_of(const quant::Format& format) {
  const Tensor encoded = quant::encode(Tensor::from(random_floats(kRows * kColumns), {kRows, kColumns}), format);
  const auto bytes = dynamic_cast<const quant::BlockMatrix&>(*encoded.encoding()).bytes();
  std::vector<std::shared_ptr<Storage>> copies;
  for (int64_t total = 0; total < kPoolBytes; total += static_cast<int64_t>(bytes.size())) {
    copies.push_back(Storage::allocate(static_cast<int64_t>(bytes.size()), Device::kCPU));
    std::memcpy(copies.back()->data(), bytes.data(), bytes.size());
  }
  Pool pool;
  for (const auto& copy : copies) pool.push_back(std::make_shared<quant::BlockMatrix>(format, kRows, kColumns, copy));
  return pool;
}

// Any codes but those of NaN.
Tensor random_codes(DType dtype, int64_t columns) {
  const Tensor bytes = Tensor::empty({kRows, columns}, DType::u8);
  std::mt19937 generator(1);
  for (int64_t i = 0; i < bytes.numel(); ++i) bytes.data<uint8_t>()[i] = static_cast<uint8_t>(generator() % 127);
  return Tensor::on_storage(bytes.storage(), 0, bytes.shape(), bytes.strides(), dtype);
}

Pool pool_of_codes(const std::string& name) {
  Pool pool;
  for (int64_t total = 0; total < kPoolBytes; total += pool.back()->nbytes()) {
    Tensor weight;
    if (name == "nf4") {
      quant::FourBitTensors tensors;
      tensors.codes = random_codes(DType::u8, kColumns / 2);
      tensors.absmax = Tensor::full({kRows * kColumns / tensors.block}, 0.1);
      tensors.values = Tensor::from(random_floats(16));
      weight = quant::four_bit_weight(name, tensors, kRows, kColumns, DType::f32);
    } else if (name == "int8") {
      weight = quant::int8_weight(random_codes(DType::i8, kColumns), Tensor::full({kRows}, 0.1), DType::f32);
    } else if (name == "bitnet") {
      weight = quant::bitnet_weight(random_codes(DType::u8, kColumns), Tensor::full({1}, 0.1), false, DType::f32);
    } else {
      const Tensor scales = Tensor::full({kRows / 128, kColumns / 128}, 0.1);
      weight = quant::fp8_weight(random_codes(DType::f8_e4m3fn, kColumns), scales, 128, 128, DType::f32);
    }
    pool.push_back(weight.encoding());
  }
  return pool;
}

void bench_pool(std::string_view name, const Pool& pool, int rounds, int64_t most) {
  const int64_t rows = pool[0]->rows();
  const std::vector<float> x = random_floats(512 * kColumns);
  std::vector<float> y(static_cast<size_t>(512 * rows));
  size_t turn = 0;
  std::vector<Contestant> contestants;
  for (const int64_t m : {int64_t{1}, int64_t{4}, int64_t{8}, int64_t{16}, int64_t{128}, int64_t{512}}) {
    if (m > most) break;
    contestants.push_back({fmt::format("m {}", m),
                           [&, m] { pool[turn++ % pool.size()]->multiply(x.data(), m, kColumns, nullptr, y.data()); }});
  }
  take_turns(contestants, rounds, 0.05);
  // By the clock that the others are measured with, and beside them, since it changes with what the machine does.
  const double limit = kernels::measure_read_bandwidth(seconds_now) * 1e-9;
  const double read = static_cast<double>(pool[0]->nbytes()) / contestants[0].seconds * 1e-9;
  std::string line = fmt::format("{:<12} m 1 {:5.1f} GB/s, {:3.0f} % of {:.1f}", name, read, 100 * read / limit, limit);
  for (const Contestant& contestant : contestants) {
    const double m = std::stod(contestant.name.substr(2));
    const double operations = 2 * m * static_cast<double>(rows * kColumns);
    line += fmt::format("  {} {:6.1f}", contestant.name, operations / contestant.seconds * 1e-9);
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
  const auto wanted = [&](std::string_view name) { return name.find(only) != std::string_view::npos; };
  for (const imago::quant::Format& format : imago::quant::formats()) {
    if (wanted(format.name)) imago::bench::bench_pool(format.name, imago::bench::pool_of(format), rounds, most);
  }
  for (const char* name : {"nf4", "int8", "fp8", "bitnet"}) {
    if (wanted(name)) imago::bench::bench_pool(name, imago::bench::pool_of_codes(name), rounds, most);
  }
}
