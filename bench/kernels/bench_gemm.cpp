// Matrix products side by side with OpenBLAS and oneDNN (where installed), and against the machine's limits.
//   bench_gemm [rounds] [only shapes whose line contains this text]
#include <fmt/core.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/convert.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/kernels/cpu/machine_limits.h"
#include "timing.h"

#ifdef IMAGO_BENCH_OPENBLAS
#include <cblas.h>
#endif
#ifdef IMAGO_BENCH_ONEDNN
#include <dnnl.h>
#endif

namespace imago::bench {
namespace {

// Weights are taken in turn from a pool larger than the caches, as the layers of a model are.
constexpr int64_t kPoolBytes = int64_t{160} << 20;

template <class T>
std::vector<T> random_array(int64_t size) {
  std::mt19937 generator(1);
  std::vector<T> values(static_cast<size_t>(size));
  for (T& value : values) value = T(static_cast<float>(generator() % 2048) / 1024.0f - 1.0f);
  return values;
}

struct Shape {
  int64_t m, n, k;
  bool transpose_b;
};

int rounds = 5;
std::string only;

template <class B>
void bench_shape(const Shape& s, const char* type, double bandwidth) {
  const std::string line =
      fmt::format("{:4} {} {:5} x {:5} x {:5}", type, s.transpose_b ? "[n,k]" : "[k,n]", s.m, s.n, s.k);
  if (line.find(only) == std::string::npos) return;
  const int64_t weight = s.n * s.k;
  const int64_t copies = std::max<int64_t>(1, kPoolBytes / (weight * static_cast<int64_t>(sizeof(B))));
  const auto a = random_array<float>(s.m * s.k);
  const auto b = random_array<B>(weight * copies);
  std::vector<float> c(static_cast<size_t>(s.m * s.n));
  int64_t turn = 0;
  const auto next_weight = [&] { return b.data() + turn++ % copies * weight; };
  const int64_t ldb = s.transpose_b ? s.k : s.n;

  std::vector<Contestant> contestants;
  contestants.push_back({"imago", [&] {
                           kernels::Gemm<float, B, float> g{.m = s.m, .n = s.n, .k = s.k, .a = a.data(), .lda = s.k};
                           g.b = next_weight();
                           g.ldb = ldb;
                           g.transpose_b = s.transpose_b;
                           g.c = c.data();
                           g.ldc = s.n;
                           kernels::gemm(g);
                         }});
  if constexpr (std::is_same_v<B, float>) {
#ifdef IMAGO_BENCH_OPENBLAS
    contestants.push_back({"openblas", [&] {
                             if (s.m == 1) {  // its own kernel for a vector
                               return cblas_sgemv(CblasRowMajor, s.transpose_b ? CblasNoTrans : CblasTrans,
                                                  static_cast<int>(s.transpose_b ? s.n : s.k),
                                                  static_cast<int>(s.transpose_b ? s.k : s.n), 1, next_weight(),
                                                  static_cast<int>(ldb), a.data(), 1, 0, c.data(), 1);
                             }
                             cblas_sgemm(CblasRowMajor, CblasNoTrans, s.transpose_b ? CblasTrans : CblasNoTrans,
                                         static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), 1,
                                         a.data(), static_cast<int>(s.k), next_weight(), static_cast<int>(ldb), 0,
                                         c.data(), static_cast<int>(s.n));
                           }});
#endif
#ifdef IMAGO_BENCH_ONEDNN
    contestants.push_back({"onednn", [&] {
                             dnnl_sgemm('N', s.transpose_b ? 'T' : 'N', s.m, s.n, s.k, 1, a.data(), s.k, next_weight(),
                                        ldb, 0, c.data(), s.n);
                           }});
#endif
  }
  take_turns(contestants, rounds, 0.02);
  const double operations = 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  const double bytes = static_cast<double>(weight) * sizeof(B);
  std::string text;
  double best_peer = 0;
  for (size_t i = 0; i < contestants.size(); ++i) {
    const double speed = operations / contestants[i].seconds * 1e-9;
    text += fmt::format("  {} {:6.1f}", contestants[i].name, speed);
    if (i > 0) best_peer = std::max(best_peer, speed);
  }
  const double ours = operations / contestants[0].seconds * 1e-9;
  if (best_peer > 0) text += fmt::format("  ratio {:4.2f}", ours / best_peer);
  const double rate = bytes / contestants[0].seconds * 1e-9;
  text += fmt::format("  {:5.1f} GB/s ({:3.0f}% of read)", rate, 100 * rate / bandwidth);
  fmt::print("{}{}\n", line, text);
  std::fflush(stdout);
}

void run() {
  const double bandwidth = kernels::measure_read_bandwidth(seconds_now) * 1e-9;
  fmt::print("{} threads; reading memory: {:.1f} GB/s. GFLOP/s of the best of {} bursts each, taking turns:\n",
             num_threads(), bandwidth, rounds);
  for (bool transpose_b : {true, false}) {
    for (int64_t m : {1, 2, 4, 8, 16, 32, 128, 512, 2048})
      bench_shape<float>({m, 2048, 2048, transpose_b}, "f32", bandwidth);
  }
  for (int64_t size : {16, 64, 128, 256}) bench_shape<float>({size, size, size, false}, "f32", bandwidth);
  for (int64_t m : {1, 2, 4, 8, 16, 32, 128, 512}) {
    bench_shape<bfloat16>({m, 2048, 2048, true}, "bf16", bandwidth);
    bench_shape<float16>({m, 2048, 2048, true}, "f16", bandwidth);
  }
}

}  // namespace
}  // namespace imago::bench

int main(int argc, char** argv) {
  // The peers read these when their first call starts their threads.
  const std::string threads = std::to_string(imago::num_threads());
  setenv("OMP_NUM_THREADS", threads.c_str(), 0);
  setenv("OPENBLAS_NUM_THREADS", threads.c_str(), 0);
  if (argc > 1) imago::bench::rounds = std::max(1, std::atoi(argv[1]));
  if (argc > 2) imago::bench::only = argv[2];
  imago::bench::run();
}
